# SPDX-License-Identifier: Apache-2.0
"""Tests of the CSVs that the plots are drawn from."""

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import metrics
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


@pytest.mark.parametrize(
    ("file", "column", "name"),
    [
        ("memory", "nova-api.peak", "<service>.peak"),
        ("counters", "log.ERROR", "log.<level>"),
        ("costs", "server-list.nova-api.cpu", "<scenario>.<service>.cpu"),
        ("latency_p95", "server-list.p95", "<scenario>.p95"),
        ("phases", "deploy", "<phase>"),
    ],
)
def test_a_column_is_of_a_metric(file, column, name):
    assert metrics.of_column(file, column).name == name


def test_a_column_of_no_metric_is_of_none():
    assert metrics.of_column("memory", "nova-api.least") is None
    assert metrics.of_column("nosuch", "a") is None


def test_each_unit_has_the_least_change_that_is_of_interest():
    assert set(metrics.FLOORS) == {metric.unit for metric in METRICS}


@pytest.mark.parametrize("text", ["", "a\n", "a\nb\n", "a,b\n1\n", "a\n1\n2\n"])
def test_what_is_no_file_of_metrics_is_told(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="is no file of metrics"):
        read_csv(path)
