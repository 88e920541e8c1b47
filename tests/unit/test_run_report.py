# SPDX-License-Identifier: Apache-2.0
"""Tests that what a run leaves is made of its directory alone."""

import json
import shutil
from pathlib import Path

import pytest

from osci_jobs import run
from osci_jobs.errors import ConfigurationError
from osci_jobs.results import manifest, metrics, store
from osci_jobs.results.runlog import RunLog
from osci_jobs.suites import smoke

DATA = Path(__file__).parent.parent / "data" / "results"


def _start(run_directory, *suites):
    """Write the start of a run whose deployment has these suites, of which it runs none."""
    resolved = {"suites": [{"name": name, "suite": module} for name, module in suites]}
    with RunLog(run_directory / store.LOG) as log:
        log.append(
            "run_started",
            run="20261123T093544Z-basic-4f2a1c",
            command="create",
            arguments=["basic"],
            deployment={"name": "basic", "digest": "0f", "resolved": resolved},
            group="osci-4f2a1c",
            suites=[],
            keep="success",
        )


def _columns(run_directory, name):
    (header, _) = (run_directory / "metrics" / f"{name}.csv").read_text().splitlines()
    return tuple(header.split(","))


def test_columns_are_those_of_the_deployment_that_the_log_tells(tmp_path):
    _start(tmp_path, ("quick", "smoke"), ("own", "command"), ("slow", "smoke"))
    run.report(tmp_path)
    assert _columns(tmp_path, "phases") == metrics.phase_columns(["quick", "own", "slow"])
    assert _columns(tmp_path, "api") == smoke.OPERATIONS


@pytest.mark.parametrize("name", ["success", "killed", "hostile"])
def test_a_report_is_made_of_the_directory_and_can_be_made_again(tmp_path, name):
    run_directory = tmp_path / "run"
    shutil.copytree(DATA / name, run_directory, ignore=shutil.ignore_patterns("expected"))
    first = run.report(run_directory)
    before = (run_directory / manifest.FILE_NAME).read_bytes()
    assert run.report(run_directory) == first
    assert (run_directory / manifest.FILE_NAME).read_bytes() == before
    expected = json.loads((DATA / name / "expected" / "run.json").read_text())
    assert first.as_dict() == expected


def test_a_log_that_ends_before_the_run_started_is_reported(tmp_path):
    RunLog(tmp_path / store.LOG).close()
    assert run.report(tmp_path).verdict == "interrupted"
    assert (tmp_path / "report.html").exists()


def test_a_suite_that_this_osci_does_not_know_is_told(tmp_path):
    _start(tmp_path, ("new", "of_tomorrow"))
    with pytest.raises(ConfigurationError, match="There is no suite 'of_tomorrow'"):
        run.report(tmp_path)
