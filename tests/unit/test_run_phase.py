# SPDX-License-Identifier: Apache-2.0
"""A phase: what it writes to the run log, and how it ends."""

import errno
import signal
import time

import pytest

from osci_jobs.errors import DeployError, InfrastructureError, InterruptionError, LimitError
from osci_jobs.results import runlog
from osci_jobs.run.phase import phase, record_trouble


@pytest.fixture
def log(tmp_path):
    with runlog.RunLog(tmp_path / "log.jsonl") as opened:
        yield opened


def events_of(log) -> list[tuple]:
    return [
        (event["event"], event.get("outcome") or event.get("verdict"))
        for event in runlog.iter_events(log.path)
    ]


def test_a_phase_that_ends_is_a_success(log):
    with phase(log, "create", 10):
        pass
    assert events_of(log) == [("phase_started", None), ("phase_ended", "success")]


def test_an_error_is_the_trouble_of_its_phase_and_goes_on(log):
    with pytest.raises(DeployError), phase(log, "deploy", 10):
        raise DeployError("keystone does not answer.", host="host1", unit="keystone")
    started, trouble, ended = runlog.iter_events(log.path)
    assert (trouble["verdict"], trouble["phase"]) == ("deploy", "deploy")
    assert trouble["cause"] == {"host": "host1", "unit": "keystone", "line": "", "file": ""}
    assert ended["outcome"] == "deploy"


def test_an_error_is_recorded_once_however_far_it_travels(log):
    error = InterruptionError(signal.SIGINT)
    with pytest.raises(InterruptionError), phase(log, "create", 10):
        raise error
    record_trouble(log, error)
    assert [name for name, _ in events_of(log)].count("trouble") == 1


def test_a_full_disk_is_trouble_of_the_machine(log):
    with (
        pytest.raises(InfrastructureError, match="^No space is left on the disk of '/x'.$"),
        phase(log, "harvest", 10),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "/x")


def test_a_bug_is_recorded_and_keeps_its_class(log):
    with pytest.raises(ZeroDivisionError), phase(log, "deploy", 10):
        print(1 / 0)
    assert events_of(log)[1] == ("trouble", "infrastructure")


def test_a_phase_ends_at_its_limit_whatever_it_waits_for(log):
    started = time.monotonic()
    with (
        pytest.raises(LimitError, match="^'deploy' went past its limit of 0.2 s.$"),
        phase(log, "deploy", 0.2),
    ):
        time.sleep(60)
    assert time.monotonic() - started < 30
    assert events_of(log)[-1] == ("phase_ended", "timeout")


class Swallower:
    """Something whose destructor takes long: what is raised in there is lost."""

    def __del__(self):
        time.sleep(0.3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_is_not_lost_in_a_destructor(log):
    with pytest.raises(LimitError), phase(log, "deploy", 0.1):
        Swallower()
        time.sleep(60)


def test_a_limit_does_not_disturb_the_cleaning_up(log):
    cleaned = []
    with pytest.raises(LimitError), phase(log, "deploy", 0.1):
        try:
            time.sleep(60)
        finally:
            time.sleep(0.5)
            cleaned.append("up")
    assert cleaned == ["up"]


def test_a_limit_goes_with_its_phase(log):
    before = signal.getsignal(signal.SIGALRM)
    with phase(log, "create", 0.2):
        pass
    time.sleep(0.4)
    assert signal.getsignal(signal.SIGALRM) == before
