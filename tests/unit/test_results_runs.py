# SPDX-License-Identifier: Apache-2.0
"""Tests of finding runs; whole directories are in tests/integration/commands/test_runs.py."""

import json
import os

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import runs
from osci_jobs.results.record import fold

EMPTY = fold([], {}).as_dict()


def _place(output, name, deployment="basic", **changes):
    directory = output / name
    directory.mkdir(parents=True)
    of = {"name": deployment, "digest": "", "resolved": {}}
    (directory / "run.json").write_text(json.dumps({**EMPTY, "deployment": of, **changes}))
    return directory


def test_runs_are_ordered_by_when_they_began_whatever_they_are_called(tmp_path):
    for name in ("20261123T093544Z-basic-aaaaaa", "20261125T093544Z-a-bbbbbb", "named"):
        _place(tmp_path, name)
    os.utime(tmp_path / "named" / "run.json", (1_795_512_944,) * 2)  # 2026-11-24T09:35:44Z
    assert [path.name[:8] for path in runs.found(tmp_path)] == ["20261125", "named", "20261123"]


def test_a_whole_name_means_its_run_even_when_it_is_a_part_of_others(tmp_path):
    short, long = _place(tmp_path, "a"), _place(tmp_path, "ab")
    assert runs.find(tmp_path, "a") == short
    assert runs.find(tmp_path, "b") == long


def test_a_directory_means_its_run_wherever_it_is(tmp_path, monkeypatch):
    run = _place(tmp_path / "elsewhere", "mine")
    monkeypatch.chdir(tmp_path)
    assert runs.find(tmp_path / "results", "elsewhere/mine") == run
    monkeypatch.chdir(run)
    assert runs.find(tmp_path / "results", ".") == run


@pytest.mark.parametrize("word", ["", "x" * 5000, "\0", "latest", "../..", "\ud800"])
def test_a_word_that_means_nothing_is_reported(tmp_path, word):
    with pytest.raises(ConfigurationError, match="There are no runs in"):
        runs.find(tmp_path, word)


def test_records_are_those_of_the_deployment_newest_first(tmp_path):
    _place(tmp_path, "20261123T093544Z-basic-aaaaaa", run="1")
    _place(tmp_path, "20261124T093544Z-basic-x-bbbbbb", "basic-x", run="2")
    _place(tmp_path, "20261125T093544Z-basic-cccccc", run="3")
    _place(tmp_path, "20261126T093544Z-basic-dddddd", seconds="torn")
    assert [record.run for record in runs.iter_records(tmp_path, "basic")] == ["3", "1"]
    assert [record.run for record in runs.iter_records(tmp_path, "basic-x")] == ["2"]
