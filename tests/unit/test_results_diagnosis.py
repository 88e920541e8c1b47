# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, by what the hosts left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from osci_jobs.results import diagnosis, journal
from osci_jobs.results.cases import Case
from osci_jobs.results.harvested import HostHarvest, State, Unit
from osci_jobs.results.record import Cause, Host, Record, Trouble

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MIB = 1 << 20
REQUEST = "req-0a1b2c3d-0000-4000-8000-0123456789ab"
CAUSE = Cause("deploy", "host1", "nova-api", "it is not ready", "", "OpenStack did not come up.")


def unit(name, **fields):
    given = {
        **{"active": "active", "result": "success", "exit_status": 0, "restarts": 0},
        **{"waited_at": NOW, "started_at": NOW, "ended_at": None, "needs": (), "listens": ()},
    }
    return Unit("host1", name, **{**given, **fields})


def record(verdict="deploy", cause=CAUSE, **fields):
    given = {
        **{"run": "r", "command": "functional", "arguments": (), "started": "", "seconds": 1.0},
        **{"deployment": {}, "group": "", "sources": {}, "phases": (), "suites": {}, "later": ()},
        "hosts": (Host("host1", "10.77.0.11", {}),),
    }
    return Record(verdict=verdict, exit_code=7, cause=cause, **{**given, **fields})


def host_event(at=NOW):
    return {"event": "host", "name": "host1", "at": at.isoformat()}


def write_journal(run_directory, name, *lines):
    path = run_directory / journal.unit_file("host1", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def failed(at, text="ERROR planted"):
    return (
        f"2026-11-23T09:00:0{at}.000000+0000 host1 x[1]: {text}",
        f"2026-11-23T09:00:0{at}.500000+0000 host1 systemd[1]: x.service: Main process exited",
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"active": "failed", "result": "signal", "exit_status": 9}, "was ended by signal 9"),
        ({"active": "inactive"}, "was stopped"),
        ({"active": "inactive", "started_at": None}, "was never started"),
        (
            {"active": "activating", "result": "exit-code", "exit_status": 1, "restarts": 7},
            "keeps ending and was started again 7 times",
        ),
        ({"restarts": 73}, "keeps ending and was started again 73 times"),
        ({"restarts": 1}, "had ended; systemd started it again once"),
        (
            {"active": "failed", "result": "exit-code", "exit_status": 1},
            "does not run: exit-code 1",
        ),
    ],
)
def test_a_unit_in_trouble_is_found(tmp_path, fields, message):
    host = HostHarvest("host1", units=(unit("nova-api", **fields), unit("glance")))
    (found,) = diagnosis.find([host], [], tmp_path)
    assert found.message == f"'nova-api' on 'host1' {message}."
    assert found.unit == "nova-api"
    assert found.verdict == ("success" if message.startswith("had") else "deploy")


def test_a_unit_that_waits_for_another_is_not_in_trouble(tmp_path):
    host = HostHarvest("host1", units=(unit("nova-api", active="activating"),))
    assert diagnosis.find([host], [], tmp_path) == ()


def test_the_unit_that_failed_first_comes_first(tmp_path):
    dead = {"active": "failed", "result": "exit-code", "exit_status": 1}
    write_journal(tmp_path, "late", *failed(5))
    write_journal(tmp_path, "early", *failed(2, "KeyError: 'planted'"))
    units = (unit("again", restarts=2), unit("late", **dead), unit("early", **dead))
    found = diagnosis.find([HostHarvest("host1", units=units)], [], tmp_path)
    assert [trouble.unit for trouble in found] == ["early", "late", "again"]
    assert found[0].line == "KeyError: 'planted'"
    assert found[0].file == "logs/host1/journal/early.log"


@pytest.mark.parametrize(
    ("minutes", "way"), [(60, "60 min ahead of"), (-2, "2 min behind"), (0.9, None)]
)
def test_a_clock_that_is_off_is_the_machines(tmp_path, minutes, way):
    at = NOW + timedelta(minutes=minutes)
    host = HostHarvest("host1", state=State(at, 100 * MIB, 50 * MIB))
    found = diagnosis.find([host], [host_event()], tmp_path)
    expected = [f"The clock of 'host1' is {way} this machine's."] if way else []
    assert [trouble.message for trouble in found] == expected
    assert {trouble.verdict for trouble in found} <= {"infrastructure"}


def test_a_full_disk_is_the_machines(tmp_path):
    host = HostHarvest("host1", state=State(NOW, 64 * MIB, 100_000))
    (found,) = diagnosis.find([host], [host_event()], tmp_path)
    assert found.message == "The disk of 'host1' is full: 0.1 MiB of 64 MiB are free."


def test_a_unit_that_found_no_space_tells_of_a_full_disk(tmp_path):
    dead = unit("mariadb", active="failed", result="exit-code", exit_status=1)
    write_journal(tmp_path, "mariadb", *failed(1, "[ERROR] Disk is full."), *failed(2))
    (found,) = diagnosis.find([HostHarvest("host1", units=(dead,))], [], tmp_path)
    assert (found.verdict, found.line) == ("infrastructure", "[ERROR] Disk is full.")
    assert found.message.startswith("The disk of 'host1' is full: 'mariadb' on 'host1' does not")


@pytest.mark.parametrize("verdict", ["deploy", "failure", "timeout"])
def test_what_the_machine_did_is_not_laid_to_the_code(tmp_path, verdict):
    disk = Trouble("harvest", "host1", "", "", "", "The disk is full.", verdict="infrastructure")
    dead = Trouble("deploy", "host1", "nova-api", "", "", "It died.", verdict="deploy")
    result = diagnosis.explain(record(verdict, findings=(disk, dead)), tmp_path)
    assert (result.verdict, result.exit_code) == ("infrastructure", 3)
    assert result.cause.message == "The disk is full."
    assert [(was.verdict, was.message) for was in result.later] == [(verdict, CAUSE.message)]
    assert result.findings == (dead,)


def test_a_host_that_gave_no_logs_takes_the_blame(tmp_path):
    silent = Trouble("harvest", "host2", "", "", "", "No answer.", verdict="infrastructure")
    result = diagnosis.explain(record(later=(silent,)), tmp_path)
    assert (result.verdict, result.cause.host) == ("infrastructure", "host2")
    assert [was.message for was in result.later] == [CAUSE.message]


@pytest.mark.parametrize("verdict", ["interrupted", "configuration", "source", "empty"])
def test_other_verdicts_stay(tmp_path, verdict):
    disk = Trouble("harvest", "host1", "", "", "", "The disk is full.", verdict="infrastructure")
    assert diagnosis.explain(record(verdict, findings=(disk,)), tmp_path).verdict == verdict


def test_a_failed_deploy_is_laid_to_the_unit_that_failed_first(tmp_path):
    dead = Trouble(
        *("harvest", "host1", "keystone-init", "OSError: planted", "logs/x", "It died."),
        context=("before", "OSError: planted"),
        verdict="deploy",
    )
    cause = diagnosis.explain(record(findings=(dead,)), tmp_path).cause
    assert (cause.phase, cause.unit, cause.line) == ("deploy", "keystone-init", "OSError: planted")
    assert cause.context == ("before", "OSError: planted")
    assert cause.message == "It died. OpenStack did not come up."


def test_without_a_dead_unit_the_one_that_was_waited_for_speaks(tmp_path):
    lines = failed(1, "ERROR no such account")
    write_journal(tmp_path, "nova-api", *lines)
    cause = diagnosis.explain(record(), tmp_path).cause
    assert cause.line == "ERROR no such account"
    assert cause.context == lines
    assert cause.message == CAUSE.message


def test_a_failed_case_has_the_lines_of_its_request_for_context(tmp_path):
    line = f"2026-11-23T09:00:01.000000+0000 host1 nova[1]: ERROR [{REQUEST}] no valid host"
    write_journal(tmp_path, "nova-api", line)
    cause = replace(CAUSE, line=f"It failed [create answered 500 ({REQUEST})]", file="junit/x.xml")
    result = diagnosis.explain(record("failure", cause), tmp_path)
    assert result.cause.context == (line,)
    assert result.cause.file == "logs/host1/journal/nova-api.log"


def test_the_end_of_a_log_is_the_context_when_no_line_is_known(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "suite.log").write_text("first\nlast\n")
    cause = replace(CAUSE, line="", file="logs/suite.log")
    result = diagnosis.explain(record("timeout", cause), tmp_path)
    assert (result.cause.line, result.cause.context) == ("last", ("first", "last"))


def test_a_failing_case_brings_what_was_logged_of_its_requests(tmp_path):
    write_journal(tmp_path, "nova-api", f"at host1 nova[1]: [{REQUEST}] POST /servers")
    cases = [
        Case("bad", outcome="failed", message=f"answered 500 ({REQUEST})", details="Traceback"),
        Case("good", message=REQUEST),
    ]
    traced = diagnosis.trace({"smoke": cases}, ["host1"], tmp_path)["smoke"]
    assert traced[0].details == (
        f"Traceback\n\nWhat the services logged of {REQUEST}:\n"
        f"logs/host1/journal/nova-api.log: at host1 nova[1]: [{REQUEST}] POST /servers"
    )
    assert traced[1] == cases[1]
