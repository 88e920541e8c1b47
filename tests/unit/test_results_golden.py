# SPDX-License-Identifier: Apache-2.0
"""Tests of whole runs: a run log and suites' files in, every file of the result out.

Each directory of `tests/data/results` is a run; its `expected` holds what follows
from it. OSCI_REWRITE_GOLDEN=1 rewrites those.
"""

import html
import json
import os
import shutil
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import page
import pytest
from jsonschema import Draft202012Validator

from osci_jobs import reports
from osci_jobs.results import junit, load, manifest, metrics, record, store
from osci_jobs.results.verdict import VERDICTS

DATA = Path(__file__).parent.parent / "data" / "results"
RUNS = sorted(path.name for path in DATA.iterdir() if path.is_dir())
RUN = "20261123T093544Z-basic-4f2a1c"
SUITES = ("api", "instances")
OPERATIONS = ("server.create", "server.list", "server.delete")
SERVICES = {
    "mariadb": ["control"],
    "rabbitmq-server": ["control"],
    "keystone": ["control"],
    "nova-compute": ["control", "compute"],
}
SCHEMA = Draft202012Validator(
    json.loads(files("osci_jobs.results").joinpath("run.schema.json").read_text("utf-8"))
)
INPUTS = ("log.jsonl", "attachments", "cases", "logs", "samples")
# The run that puts load on its cloud, and those that do not.
LOAD = "stress"
OTHERS = [name for name in RUNS if name != LOAD]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return a function that puts what the run `name` left into a new run directory."""
    monkeypatch.chdir(tmp_path)

    def copy(name):
        shutil.copytree(DATA / name, RUN, ignore=shutil.ignore_patterns("expected"))
        return Path(RUN)

    return copy


def _finish(run_directory):
    is_load = LOAD in store.suite_modules(run_directory)
    operations, names = ((), (LOAD,)) if is_load else (OPERATIONS, SUITES)
    result = store.finish(run_directory, operations, names)
    suites = store.read_cases(run_directory)
    reports.write(result, suites, run_directory)
    manifest.write(run_directory)
    run = json.loads((run_directory / "run.json").read_text("utf-8"))
    SCHEMA.validate(run)
    assert record.load(run_directory / "run.json") == result
    _check_counts(run_directory, run)
    assert manifest.verify(run_directory) == []
    return run


def _check_counts(run_directory, run):
    """Hold run.json against its JUnit XML, read by two readers that share no code."""
    for path in (run_directory / "junit").glob("*.xml"):
        suite = run["suites"][path.stem]
        expected = [suite[name] for name in ("cases", "failed", "errors", "skipped")]
        element = ElementTree.parse(path).getroot()
        names = ("tests", "failures", "errors", "skipped")
        assert [int(element.get(name)) for name in names] == expected
        outcomes = [case.outcome for case in junit.read(path.read_bytes())]
        counts = [outcomes.count(name) for name in ("failed", "error", "skipped")]
        assert [len(outcomes), *counts] == expected


def _read(directory):
    made = (path for path in directory.rglob("*") if path.is_file())
    relative = {path.relative_to(directory).as_posix(): path.read_bytes() for path in made}
    return {
        name: page.stable(name, data)
        for name, data in relative.items()
        if name.split("/")[0] not in (*INPUTS, "plots")
    }


@pytest.mark.parametrize("name", RUNS)
def test_a_run_gives_the_files_it_gave_before(start, name):
    run_directory = start(name)
    _finish(run_directory)
    found = _read(run_directory)
    if os.environ.get("OSCI_REWRITE_GOLDEN"):
        shutil.rmtree(DATA / name / "expected", ignore_errors=True)
        for path, data in found.items():
            target = DATA / name / "expected" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    assert found == _read(DATA / name / "expected")


@pytest.mark.parametrize("name", RUNS)
def test_making_the_result_again_changes_nothing(start, name):
    run_directory = start(name)
    _finish(run_directory)
    before = {path: path.read_bytes() for path in run_directory.rglob("*.*") if path.is_file()}
    assert any(path.suffix == ".svg" for path in before)
    _finish(run_directory)
    after = {path: path.read_bytes() for path in run_directory.rglob("*.*") if path.is_file()}
    assert after == before


def test_a_run_killed_anywhere_gives_a_valid_result(start):
    run_directory = start("success")
    log = run_directory / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    for number in range(len(lines)):
        log.write_bytes(b"".join(lines[:number]) + lines[number][:30])
        shutil.rmtree(run_directory / "junit", ignore_errors=True)
        run = _finish(run_directory)
        assert (run["verdict"], run["exit_code"]) == ("interrupted", 130)
        last = json.loads(lines[number - 1]) if number else {"phase": "", "event": ""}
        assert run["cause"]["phase"] == last["phase"]
        where = "after" if last["event"] == "phase_ended" else "in" if last["phase"] else "before"
        assert f"log ends {where} the" in run["cause"]["message"]
        is_total = (run_directory / "metrics" / "phases.csv").read_text().endswith(",\n")
        assert is_total, "the run's total has no value when the run was killed"


def test_each_suite_that_was_started_has_its_junit_even_when_it_died(start):
    run_directory = start("killed")
    _finish(run_directory)
    case = junit.read((run_directory / "junit" / "instances.xml").read_bytes())[0]
    assert (case.name, case.outcome) == ("instances", "error")
    assert "the run was stopped while it ran" in case.message


def test_a_suite_that_was_not_started_has_none(start):
    run_directory = start("deploy")
    assert _finish(run_directory)["suites"]["api"]["outcome"] == "skipped"
    assert not (run_directory / "junit").exists()


def test_columns_are_the_same_whatever_became_of_the_run(start):
    columns = {
        "api": OPERATIONS,
        "counters": metrics.counter_columns(SERVICES),
        "cpu": metrics.cpu_columns(SERVICES),
        "memory": metrics.memory_columns(SERVICES),
        "phases": metrics.phase_columns(SUITES),
    }
    expected = {name: ",".join(names) for name, names in columns.items()}
    for name in OTHERS:
        run_directory = start(name)
        _finish(run_directory)
        assert _columns(run_directory) == expected
        shutil.rmtree(run_directory)


def _columns(run_directory):
    found = (run_directory / "metrics").glob("*.csv")
    return {path.stem: path.read_text().splitlines()[0] for path in found}


def test_what_a_meter_could_not_count_is_told_in_both_reports(start):
    directory = start(LOAD)
    path = directory / "attachments" / LOAD / load.FILE
    found = json.loads(path.read_text("utf-8"))
    found["scenarios"][0]["uncounted"] = ["messages: RabbitMQ: <it hangs>"]
    path.write_text(json.dumps(found))
    _finish(directory)
    named = found["scenarios"][0]["name"]
    told = f"Not counted in {named}: messages: RabbitMQ: <it hangs>."
    assert told in (directory / "report.txt").read_text("utf-8")
    assert html.escape(told) in (directory / "report.html").read_text("utf-8")


def test_columns_of_load_are_those_of_the_deployments_scenarios(start):
    run_directory = start(LOAD)
    resolved = _finish(run_directory)["deployment"]["resolved"]
    before = _columns(run_directory)
    expected = metrics.load_columns(resolved["stress"], resolved["services"])
    assert {name: set(before[name].split(",")) for name in metrics.LOAD} == {
        name: set(names) for name, names in expected.items()
    }
    (run_directory / "attachments" / "stress" / "stress.json").write_text("{}")
    _finish(run_directory)
    assert _columns(run_directory) == before
    assert metrics.read_csv(run_directory / "metrics" / "costs.csv") == {}


def test_a_run_on_a_group_that_was_there_counts_what_is_its_own(start):
    run_directory = start("success")
    log = run_directory / "log.jsonl"
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    own = [event for event in events if event["phase"] != "deploy" or event["event"] == "host"]
    log.write_text("".join(json.dumps(event) + "\n" for event in own))
    _finish(run_directory)
    assert metrics.read_csv(run_directory / "metrics" / "counters.csv") == {}
    cpu = metrics.read_csv(run_directory / "metrics" / "cpu.csv")
    assert cpu.keys() == {f"{service}.suites" for service in SERVICES}
    assert metrics.read_csv(run_directory / "metrics" / "memory.csv")["mariadb.mean"] == 176


@pytest.mark.parametrize("content", ["", "rubbish\n", "\0\0\0"])
def test_rubbish_of_a_suite_never_stops_the_report(start, content):
    run_directory = start("success")
    (run_directory / "cases" / "api.jsonl").write_text(content)
    (run_directory / "samples" / "api.csv").write_text(content)
    _finish(run_directory)


def test_a_stranger_cannot_lead_the_report_out_of_the_run(start, tmp_path):
    run_directory = start("success")
    secret = tmp_path / "secret"
    secret.write_text('{"name": "secret", "outcome": "passed"}\n')
    (run_directory / "cases" / "api.jsonl").unlink()
    (run_directory / "cases" / "api.jsonl").symlink_to(secret)
    run = _finish(run_directory)
    assert (run["verdict"], run["suites"]["api"]["errors"]) == ("failure", 1)


@pytest.mark.parametrize("name", RUNS)
def test_the_page_is_sound_and_needs_nothing_from_outside(start, name):
    run_directory = start(name)
    _finish(run_directory)
    page.check((run_directory / "report.html").read_text("utf-8"))


@pytest.mark.parametrize("name", ["report.txt", "report.html", "junit/api.xml"])
def test_hostile_text_is_seen_and_does_nothing(start, name):
    run_directory = start("hostile")
    _finish(run_directory)
    text = (run_directory / name).read_text("utf-8")
    assert not set(text) & set("\x00\x1b\u202e\ud800\r")
    assert r"\x1b[31m" in text
    assert r"\u202e\ud800\x00" in text
    assert "{{ 7*7 }}" in text
    assert name == "report.txt" or "<script>" not in text


@pytest.mark.parametrize("name", ["success", "failure", "deploy", "interrupted", "killed"])
def test_the_text_begins_with_the_verdict_and_keeps_to_the_terminal(start, name):
    run_directory = start(name)
    run = _finish(run_directory)
    lines = (run_directory / "report.txt").read_text("utf-8").splitlines()
    assert lines[0] == f"{run['verdict'].upper()}  functional basic"
    assert lines[1] == VERDICTS[run["verdict"]].meaning
    long = [line for line in lines if len(line) > reports.text.WIDTH]
    assert [line for line in long if not line.lstrip().startswith("> ")] == []
