# SPDX-License-Identifier: Apache-2.0
"""Tests of the run log."""

import json
import os
import resource
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.results.event import is_sound
from osci_jobs.results.runlog import RunLog, is_open, iter_events

NOW = datetime(2026, 11, 23, 9, 35, 44, 123456, tzinfo=UTC)
END = {"at": "2026-11-23T09:35:44.123Z", "seconds": 1.0, "phase": "", "event": "run_ended"}
DOTTED = {"name": "a", "suite": "os.path"}
START = {
    **END,
    "event": "run_started",
    "run": "r",
    "command": "functional",
    "arguments": [],
    "deployment": {"name": "basic", "digest": "", "resolved": {}},
    "group": "g",
    "suites": [],
    "keep": "never",
}


def test_an_event_is_on_disk_when_append_returns(tmp_path):
    path = tmp_path / "run" / "log.jsonl"
    ticks = iter([100.0, 101.5])
    log = RunLog(path, now=lambda: NOW, monotonic=lambda: next(ticks))
    log.append("phase_started", phase="check")
    assert json.loads(path.read_text()) == {
        "at": "2026-11-23T09:35:44.123Z",
        "seconds": 1.5,
        "phase": "check",
        "event": "phase_started",
    }
    log.close()


def test_an_event_belongs_to_the_phase_that_is_open(tmp_path):
    path = tmp_path / "log.jsonl"
    with RunLog(path) as log:
        log.append("step", text="before")
        log.append("phase_started", phase="deploy")
        log.append("step", text="in", host="control")
        log.append("phase_ended", outcome="success", duration=1.0)
        log.append("step", text="after")
    assert [event["phase"] for event in iter_events(path)] == ["", "deploy", "deploy", "deploy", ""]


def test_the_listener_gets_what_is_written_in_order(tmp_path):
    path = tmp_path / "log.jsonl"
    heard = []
    with RunLog(path, heard.append) as log, ThreadPoolExecutor(8) as threads:
        for number in range(200):
            threads.submit(log.append, "step", text=f"step {number} \ud800")
    assert list(iter_events(path)) == heard
    assert {event["text"] for event in heard} == {f"step {n} \ud800" for n in range(200)}


def test_a_torn_last_line_is_left_out_wherever_it_is_torn(tmp_path):
    path = tmp_path / "log.jsonl"
    with RunLog(path) as log:
        log.append("step", text="one")
        log.append("step", text="two ü")
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) - 2):
        path.write_bytes(whole[:end])
        assert [event["text"] for event in iter_events(path)] == ["one"]
    path.write_bytes(whole[:first] + b"\0" * 100)
    assert len(list(iter_events(path))) == 1


def test_damage_before_the_last_line_is_reported(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(f"{json.dumps(END)}\nrubbish\n{json.dumps(END)}\n")
    with pytest.raises(InfrastructureError, match="Line 2 of the run log"):
        list(iter_events(path))


def test_two_runs_never_share_a_log(tmp_path):
    RunLog(tmp_path / "log.jsonl").close()
    with pytest.raises(ConfigurationError, match="already"):
        RunLog(tmp_path / "log.jsonl")


def test_a_missing_log_is_reported(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(iter_events(tmp_path / "log.jsonl"))


def test_a_log_that_cannot_grow_is_infrastructure_and_goes_on_when_it_can(tmp_path):
    path = tmp_path / "log.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunLog(path) as log:
        log.append("step", text="one")
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, limits[1]))
            with pytest.raises(InfrastructureError, match="could not be written"):
                log.append("step", text="two")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert [event["text"] for event in iter_events(path)] == ["one"]
        log.append("step", text="three")
    assert [event["text"] for event in iter_events(path)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("event", "fields"),
    [("step", {}), ("step", {"text": "x", "colour": "red"}), ("phase_started", {})],
)
def test_an_event_with_other_fields_than_declared_is_a_bug(tmp_path, event, fields):
    with RunLog(tmp_path / "log.jsonl") as log, pytest.raises(TypeError):
        log.append(event, **fields)


@pytest.mark.parametrize(
    "event",
    [
        *([], {}, {"event": "run_ended"}, {**END, "event": None}),
        *({**END, "at": at} for at in ("", "yesterday", 3, "2026-11-23")),
        *({**END, "seconds": seconds} for seconds in ("1", -1, True, float("nan"))),
        {**END, "phase": None},
        {**START, "arguments": "basic"},
        {**START, "suites": ["../../etc/passwd"]},
        {**START, "deployment": {"name": "basic", "digest": ""}},
        {**START, "deployment": {"name": "b", "digest": "", "resolved": {"suites": [{}]}}},
        {**START, "deployment": {"name": "b", "digest": "", "resolved": {"suites": [DOTTED]}}},
        {**START, "deployment": {"name": "b", "digest": "", "resolved": {"services": ["api"]}}},
        {**START, "deployment": {"name": "b", "digest": "", "resolved": {"services": {"a": 1}}}},
        {**END, "event": "host", "name": "../host1", "address": "", "versions": {}},
        {**END, "event": "suite_ended", "suite": "/", "outcome": "success"},
        {**END, "event": "host", "name": "host1", "address": "", "versions": {"nova": 1}},
        {**END, "event": "trouble", "verdict": "bad", "message": "", "cause": {}},
        {**END, "event": "trouble", "verdict": "deploy", "message": "", "cause": None},
        {**END, "event": "phase_ended", "outcome": "success", "duration": None},
    ],
    ids=str,
)
def test_what_is_no_event_of_a_run_is_damage(tmp_path, event):
    assert is_sound(START) and is_sound(END)
    assert not is_sound(event)
    path = tmp_path / "log.jsonl"
    path.write_text(f"{json.dumps(event)}\n{json.dumps(END)}\n")
    with pytest.raises(InfrastructureError, match="Line 1 of the run log"):
        list(iter_events(path))


def test_a_log_is_open_until_it_is_closed_or_its_process_is_gone(tmp_path):
    path = tmp_path / "log.jsonl"
    assert not is_open(path)
    with RunLog(path):
        assert is_open(path)
    assert not is_open(path)


def test_a_log_that_is_no_file_is_reported(tmp_path):
    os.mkfifo(tmp_path / "log.jsonl")
    assert not is_open(tmp_path / "log.jsonl")
    with pytest.raises(ConfigurationError, match="regular file"):
        list(iter_events(tmp_path / "log.jsonl"))
