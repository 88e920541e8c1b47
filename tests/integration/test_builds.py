# SPDX-License-Identifier: Apache-2.0
"""A run inside a build: what Hudson ends with the build takes nothing of the run with it."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

COOKIES = {"HUDSON_COOKIE": "5f2a-cookie", "BUILD_ID": "2026-11-23_09-35-44"}
END_SECONDS = 60


@pytest.fixture
def build(monkeypatch):
    """Be in a build, by the variables that Hudson sets."""
    for name, value in COOKIES.items():
        monkeypatch.setenv(name, value)


def processes_of_the_build(shell: int) -> list[int]:
    """Return what Hudson ends: the descendants of the build's shell, and who has its cookie."""
    return sorted({shell, *descendants(shell), *with_cookie()})


def with_cookie() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if all(f"{name}={value}".encode() in variables for name, value in COOKIES.items()):
            found.add(int(path.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [each for child in map(int, text.split()) for each in (child, *descendants(child))]


def end_as_hudson_does(shell: int, number: int = signal.SIGTERM):
    for pid in processes_of_the_build(shell):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_for_no_group(osci) -> None:
    until = time.monotonic() + END_SECONDS
    while osci.groups and time.monotonic() < until:
        time.sleep(0.1)
    assert osci.groups == []


def test_a_build_ends_as_its_run_did(osci, build):
    done = osci("functional", "hosts", "--ci", "--run-directory", "run", "--json")
    assert (done.code, done.json["verdict"]) == (0, "success"), done.err
    assert "reach: success" in done.err
    wrong = osci("functional", "nosuch", "--ci")
    assert wrong.code == 2
    assert "nosuch" in wrong.err


@pytest.mark.parametrize(
    "phase", ["create", pytest.param("reach", marks=pytest.mark.full), "harvest"]
)
def test_an_aborted_build_leaves_a_result_and_no_hosts(osci, build, phase):
    under_way = osci.start("functional", "hosts", "--ci", "--run-directory", "run")
    under_way.wait_for(f"{phase} …")
    # Once at the abort, and again at the build's end.
    end_as_hudson_does(under_way.process.pid)
    time.sleep(0.5)
    end_as_hudson_does(under_way.process.pid)
    assert under_way.finish().code == 143
    wait_for_no_group(osci)
    shown = osci("show", "run", "--json")
    assert (shown.json["verdict"], shown.json["exit_code"]) == ("interrupted", 143)
    assert shown.json["cause"]["phase"] == phase


def test_a_build_that_is_killed_leaves_a_result_and_no_hosts(osci, build):
    under_way = osci.start("functional", "hosts", "--ci", "--run-directory", "run")
    under_way.wait_for("reach …")
    end_as_hudson_does(under_way.process.pid, signal.SIGKILL)
    under_way.process.stdout.close()
    under_way.process.stderr.close()
    under_way.process.wait()
    # The next build comes at once, and waits for the end of what it replaces.
    done = osci("functional", "hosts", "--ci", "--run-directory", "run", "--json")
    assert (done.code, done.json["verdict"]) == (0, "success"), done.err
    assert "Waiting for the end of the run" in done.err
    assert json.loads((osci.directory / "run" / "run.json").read_text())["verdict"] == "success"


def test_a_kept_group_outlives_its_build(osci, build):
    made = osci("create", "hosts", "--until", "create", "--ci", "--json")
    assert made.code == 0, made.err
    group = made.json["access"]["group"]
    assert with_cookie() == set()
    assert osci("ssh", group, "host1", "true").code == 0
    assert osci("delete", group).code == 0
