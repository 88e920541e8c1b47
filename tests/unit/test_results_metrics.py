# SPDX-License-Identifier: Apache-2.0
"""Tests of the CSVs that the plots are drawn from."""

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results.metrics import METRICS, phase_columns, read_csv, write_csv


def test_columns_depend_on_the_suites_alone():
    names = "check fetch install create deploy api load harvest delete total"
    assert phase_columns(["api", "load"]) == tuple(names.split())


def test_a_missing_value_is_empty_and_another_is_left_out(tmp_path):
    path = tmp_path / "metrics" / "phases.csv"
    write_csv(path, {"a": 1, "c": 0.1 + 0.2, "d": 1e-7, "z": 9}, ("a", "b", "c", "d"))
    assert path.read_bytes() == b"a,b,c,d\n1,,0.3,0\n"
    assert read_csv(path) == {"a": 1.0, "c": 0.3, "d": 0.0}


def test_a_csv_without_columns_can_be_read_back(tmp_path):
    write_csv(tmp_path / "api.csv", {}, ())
    assert read_csv(tmp_path / "api.csv") == {}


def test_a_csv_with_one_empty_column_can_be_read_back(tmp_path):
    write_csv(tmp_path / "api.csv", {}, ("a",))
    assert read_csv(tmp_path / "api.csv") == {}


def test_a_missing_csv_is_reported(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_csv(tmp_path / "api.csv")


def test_metrics_are_declared_with_the_words_of_the_design():
    assert {metric.direction for metric in METRICS} <= {"lower", "higher", "neither"}
    assert {metric.kind for metric in METRICS} <= {"time", "counter", "size", "share"}
