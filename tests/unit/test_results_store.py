# SPDX-License-Identifier: Apache-2.0
"""Tests of the directory of a run; whole runs are in test_results_golden.py."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import metrics, store
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
