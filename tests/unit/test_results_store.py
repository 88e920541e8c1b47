# SPDX-License-Identifier: Apache-2.0
"""Tests of the directory of a run; whole runs are in test_results_golden.py."""

from datetime import UTC, datetime, timedelta, timezone

import change
import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import metrics, store, verdict
from osci_jobs.results.runlog import RunLog


def test_a_run_id_is_made_of_time_deployment_and_token():
    now = datetime(2026, 11, 23, 10, 35, 44, tzinfo=timezone(timedelta(hours=1)))
    assert store.run_id(now, "basic", "4f2a1c") == "20261123T093544Z-basic-4f2a1c"
    assert store.run_id(now.astimezone(UTC), "a", "b") == "20261123T093544Z-a-b"


def test_a_directory_without_a_log_is_reported(tmp_path):
    with pytest.raises(ConfigurationError, match="run log"):
        store.finish(tmp_path, (), ())


def test_only_what_ran_to_its_end_has_seconds(tmp_path):
    with RunLog(tmp_path / "log.jsonl") as log:
        log.append("phase_started", phase="check")
        log.append("phase_ended", outcome="success", duration=0.5)
        log.append("phase_started", phase="create")
        log.append("phase_ended", outcome="skipped", duration=0.25)
        log.append("phase_started", phase="deploy")
        log.append("phase_ended", outcome="timeout", duration=9.0)
    store.finish(tmp_path, (), ())
    assert metrics.read_csv(tmp_path / "metrics" / "phases.csv") == {"check": 0.5}


@pytest.mark.parametrize(
    ("of_side", "of_whole"),
    [
        (("deploy", "deploy", "'nova-conductor' keeps ending."), "deploy"),
        (("deploy", "infrastructure", "The disk of 'host1' is full."), "infrastructure"),
    ],
)
def test_two_sides_fail_by_what_the_side_that_failed_found_out(tmp_path, of_side, of_whole):
    troubles = (("after", "deploy", "OpenStack did not come up."),)
    made = change.Change(after=change.Side(troubles=(of_side,)), troubles=troubles)
    _, record = made.lay(tmp_path)
    assert (record.verdict, record.exit_code) == (of_whole, verdict.exit_code(of_whole))
    assert (record.cause.phase, record.cause.message) == ("after", of_side[2])


def test_two_sides_do_not_fail_by_a_side_that_came_up(tmp_path):
    side = change.Side(suites={"smoke": change.failed("test_001")})
    troubles = (("after", "timeout", "'after' went past its limit of 9 s."),)
    _, record = change.Change(after=side, troubles=troubles).lay(tmp_path)
    assert (record.verdict, record.cause.message) == ("timeout", troubles[0][2])
