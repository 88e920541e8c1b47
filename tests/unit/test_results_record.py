# SPDX-License-Identifier: Apache-2.0
"""Tests of the rules by which a run log and cases become a record."""

import json
import os
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from osci_jobs.errors import ConfigurationError
from osci_jobs.results.cases import Case
from osci_jobs.results.record import complete, fold, load

SCHEMA = json.loads(files("osci_jobs.results").joinpath("run.schema.json").read_text("utf-8"))
PASSED = Case("good")
SKIPPED = Case("later", outcome="skipped")
FAILED = Case("bad", "api.Servers", "failed", message="409 != 204\nmore")


def _log(*events, suites=("api",)):
    deployment = {"name": "basic", "digest": "0f", "resolved": {}, "path": "basic.json"}
    start = {
        "event": "run_started",
        "run": "r",
        "command": "functional",
        "arguments": ["basic"],
        "deployment": deployment,
        "group": "g",
        "suites": list(suites),
        "keep": "never",
    }
    head = {"at": "2026-11-23T09:35:44.000Z", "seconds": 0.0, "phase": ""}
    return [{**head, "seconds": float(n), **event} for n, event in enumerate([start, *events])]


def _phase(name, *events, outcome="success"):
    started = {"event": "phase_started", "phase": name}
    ended = {"event": "phase_ended", "phase": name, "outcome": outcome, "duration": 1.0}
    return [started, *({"phase": name, **event} for event in events), ended]


def _suite(name, outcome="success"):
    return _phase(name, {"event": "suite_ended", "suite": name, "outcome": outcome})


def _trouble(verdict, message, **more):
    cause = {"host": "h", "unit": "u", "line": "l", "file": "f"}
    return {"event": "trouble", "verdict": verdict, "message": message, "cause": cause, **more}


ENDED = {"event": "run_ended"}


def _fold(events, suites):
    record = fold(events, suites)
    Draft202012Validator(SCHEMA).validate(record.as_dict())
    return record


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([PASSED], ("success", 0)),
        ([PASSED, SKIPPED], ("success", 0)),
        ([PASSED, FAILED], ("failure", 1)),
        ([Case("x", outcome="error")], ("failure", 1)),
        ([SKIPPED], ("empty", 5)),
        ([], ("empty", 5)),
        (None, ("empty", 5)),
    ],
)
def test_without_trouble_the_cases_give_the_verdict(found, expected):
    record = _fold(_log(*_suite("api"), ENDED), {"api": found})
    assert (record.verdict, record.exit_code) == expected
    assert (record.cause is None) == (record.verdict == "success")


def test_the_cause_of_a_failure_is_the_first_failing_case():
    log = _log(*_suite("api"), *_suite("load"), ENDED, suites=("api", "load"))
    cause = _fold(log, {"api": [PASSED], "load": [PASSED, FAILED, FAILED]}).cause
    assert (cause.phase, cause.unit, cause.line) == ("load", "api.Servers.bad", "409 != 204")
    assert cause.file == "junit/load.xml"
    assert cause.message == "The case 'api.Servers.bad' of the suite 'load' ended as 'failed'."


def test_the_first_trouble_gives_verdict_and_cause_and_hides_no_other():
    log = _log(
        *_phase("deploy", _trouble("deploy", "Nova is down.")),
        *_phase("delete", _trouble("infrastructure", "The disk is full.")),
        ENDED,
    )
    record = _fold(log, {})
    assert (record.verdict, record.exit_code) == ("deploy", 7)
    assert (record.cause.phase, record.cause.message) == ("deploy", "Nova is down.")
    assert (record.cause.host, record.cause.unit) == ("h", "u")
    assert [(one.verdict, one.phase) for one in record.later] == [("infrastructure", "delete")]


def test_cases_of_a_comparison_that_failed_are_metrics_that_got_worse():
    events = _log(*_suite("comparison", "regression"), ENDED, suites=("comparison",))
    record = _fold(events, {"comparison": [PASSED, FAILED]})
    assert (record.verdict, record.exit_code) == ("regression", 6)
    assert record.suites["comparison"].outcome == "regression"
    assert record.cause.unit == "api.Servers.bad"


def test_trouble_comes_before_cases_that_failed():
    log = _log(*_suite("api"), *_phase("harvest", _trouble("timeout", "Too slow.")), ENDED)
    assert _fold(log, {"api": [FAILED]}).verdict == "timeout"


def test_a_trouble_of_verdict_failure_adds_no_case_to_a_suite_that_ended():
    ended = {"event": "suite_ended", "suite": "api", "outcome": "failure"}
    log = _log(*_phase("api", ended, _trouble("failure", "One case failed.")), ENDED)
    record = _fold(log, {"api": [PASSED, FAILED]})
    assert (record.verdict, record.suites["api"].cases) == ("failure", len([PASSED, FAILED]))


@pytest.mark.parametrize(("number", "expected"), [(2, 130), (15, 143)])
def test_a_signal_gives_its_exit_code(number, expected):
    log = _log(_trouble("interrupted", "Stopped.", signal_number=number), ENDED)
    assert _fold(log, {}).exit_code == expected


def test_a_log_that_just_ends_was_killed_even_when_cases_failed():
    record = _fold(_log(*_suite("api"), *_phase("harvest")[:1]), {"api": [FAILED]})
    assert record.verdict == "interrupted"
    assert "in the phase 'harvest'" in record.cause.message
    assert [phase.outcome for phase in record.phases] == ["success", "interrupted"]


def test_an_empty_log_gives_a_record_too():
    record = _fold([], {})
    assert (record.verdict, record.run, record.started) == ("interrupted", "", "")


def test_a_run_without_suites_can_succeed():
    assert _fold(_log(*_phase("deploy"), ENDED, suites=()), {}).verdict == "success"


def test_a_suite_that_left_nothing_beside_one_that_ran_is_a_failure():
    log = _log(*_suite("api"), *_suite("load"), ENDED, suites=("api", "load"))
    record = _fold(log, {"api": [PASSED], "load": None})
    assert (record.verdict, record.cause.phase) == ("failure", "load")
    assert record.suites["load"].errors == 1


def test_a_suite_that_died_gets_a_case_that_says_why():
    log = _log(*_phase("api", _trouble("timeout", "Silent for 60 s."), outcome="timeout"), ENDED)
    found = complete(log, {"api": [PASSED]})["api"]
    assert [case.outcome for case in found] == ["passed", "error"]
    assert found[1].name == "api"
    assert "Silent for 60 s." in found[1].message
    assert _fold(log, {"api": [PASSED]}).suites["api"].outcome == "timeout"


@pytest.mark.parametrize("events", [[], _phase("api", outcome="skipped")])
def test_a_suite_that_was_not_started_has_no_cases(events):
    log = _log(*events, ENDED)
    assert complete(log, {"api": None}) == {"api": []}
    assert _fold(log, {"api": None}).suites["api"].outcome == "skipped"


def test_what_is_told_of_one_host_is_put_together():
    told = [("10.0.0.1", {"nova": "1"}), ("", {"glance": "2"}), ("10.0.0.1", {"nova": "3"})]
    events = [
        {"event": "host", "name": "control", "address": address, "versions": versions}
        for address, versions in told
    ]
    (host,) = _fold(_log(*events, ENDED, suites=()), {}).hosts
    assert (host.address, host.versions) == ("10.0.0.1", {"nova": "3", "glance": "2"})


def test_an_event_that_is_not_known_is_passed_over():
    assert _fold(_log({"event": "surprise"}, ENDED, suites=()), {}).verdict == "success"


def test_a_long_line_is_cut():
    event = _trouble("deploy", "Down.")
    event["cause"]["line"] = "x" * 100_000
    assert len(_fold(_log(event, ENDED), {}).cause.line) < len(event["cause"]["line"])


def test_a_record_is_read_back(tmp_path):
    record = _fold(_log(*_suite("api"), _trouble("deploy", "Down."), ENDED), {"api": [FAILED]})
    path = tmp_path / "run.json"
    path.write_text(json.dumps(record.as_dict()))
    assert load(path) == record


@pytest.mark.parametrize(
    "content", [None, "rubbish", "[]", "{}", '{"format": 2}', '{"format": 1}', '{"format": true}']
)
def test_a_record_that_cannot_be_read_is_reported(tmp_path, content):
    if content:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ConfigurationError, match="The record"):
        load(tmp_path / "run.json")


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": "1"},
        {"seconds": float("nan")},
        {"seconds": 10**400},
        {"verdict": None},
        {"run": 1},
        {"deployment": {}},
        {"deployment": None},
        {"phases": [{"name": "check", "started": "", "seconds": None, "outcome": ""}]},
        {"phases": 3},
    ],
    ids=str,
)
def test_a_record_with_values_of_another_kind_is_reported(tmp_path, change):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**_fold(_log(ENDED), {}).as_dict(), **change}))
    with pytest.raises(ConfigurationError, match="The record"):
        load(path)


def test_a_record_that_is_no_file_is_reported(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(ConfigurationError, match="regular file"):
        load(tmp_path / "run.json")
