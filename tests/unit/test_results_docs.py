# SPDX-License-Identifier: Apache-2.0
"""Tests that docs/results.md says what the program does."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from osci_jobs.regression import document, pairs
from osci_jobs.regression.sides import RERUN, SIDES
from osci_jobs.reports import plots
from osci_jobs.results import cases, harvested, manifest, metrics, runlog, samples, store
from osci_jobs.results.verdict import VERDICTS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "results.md").read_text("utf-8")
EXPECTED = ROOT / "tests" / "data" / "results"


def _rows(heading):
    """Return the rows of the table below `heading`, as lists of cells without backticks."""
    section = re.split(r"^#+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line[1:-1].split("|")] for line in lines[2:]]


def test_the_verdicts_are_those_of_the_table():
    expected = [
        [
            row.name,
            ", ".join(map(str, row.signals.values() or [row.exit_code])),
            row.hudson,
            row.meaning,
        ]
        for row in VERDICTS.values()
    ]
    assert _rows("Verdicts") == expected


def test_the_files_are_those_that_a_run_leaves():
    documented = {name for name, _ in _rows("Files of a run's directory")}
    found = {
        path.relative_to(run).as_posix()
        for run in [*EXPECTED.iterdir(), *EXPECTED.glob("*/expected")]
        for path in run.rglob("*")
        if path.is_file() and not {"expected", "logs"} & set(path.relative_to(run).parts)
    }
    found |= {f"plots/{name}.svg" for name in plots.NAMES}
    found |= {document.FILE, pairs.FILE, *(f"{side}/" for side in (*SIDES, RERUN))}
    found |= {metrics.path(metrics.EFFECTS)}
    suites = re.compile(r"(?<=/)(api|instances|stress)(?=\.(xml|jsonl|csv)$|/)")
    kinds = {name if "metrics" in name else suites.sub("<suite>", name) for name in found}
    assert kinds == documented
    assert {store.LOG, store.RUN, manifest.FILE_NAME} <= documented


def test_the_metrics_are_those_that_are_declared():
    assert _rows("Metrics") == [
        [metric.name, metric.unit, metric.direction, metric.kind, metric.file, metric.meaning]
        for metric in metrics.METRICS
    ]


def test_each_metric_has_a_file():
    documented = {name for name, _ in _rows("Files of a run's directory")}
    assert {f"metrics/{metric.file}.csv" for metric in metrics.METRICS} <= documented


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (harvested.SERVICE_USAGE, harvested.SERVICE_COLUMNS),
        (harvested.HOST_USAGE, harvested.HOST_COLUMNS),
    ],
)
def test_the_columns_of_usage_are_those_that_are_read(name, columns):
    section = re.split(r"^#+ ", PAGE.split(f"# {name}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    assert tuple(re.findall(r"`(\w+)`", section))[: len(columns)] == columns


def test_the_columns_are_those_that_are_written():
    documented = tuple(name for name, _ in _rows("metrics/phases.csv"))
    assert documented == metrics.phase_columns(["<suite>"])


def test_the_events_are_those_of_the_run_log():
    assert _rows("log.jsonl") == [
        [event, ", ".join(fields)] for event, fields in runlog.EVENTS.items()
    ]


def test_the_keys_of_a_case_are_those_that_are_read():
    documented = {row[0]: row[1] for row in _rows(r"cases/\<suite\>.jsonl")}
    assert documented.keys() == cases.Case.__dataclass_fields__.keys()
    assert documented["outcome"] == " or ".join(", ".join(cases.OUTCOMES).rsplit(", ", 1))


def test_the_columns_of_samples_are_those_that_are_read():
    assert tuple(row[0] for row in _rows(r"samples/\<suite\>.csv")) == samples.COLUMNS


@pytest.mark.parametrize(
    "limit",
    [cases.CASES, cases.NAME_CHARACTERS, cases.MESSAGE_CHARACTERS, cases.DETAILS_CHARACTERS]
    + [samples.ROWS],
)
def test_the_limits_are_those_that_hold(limit):
    assert f"{limit:,}" in PAGE


def test_the_schema_is_where_the_page_says():
    (path,) = re.findall(r"osci_jobs/\S+\.schema\.json", PAGE)
    assert (ROOT / path).read_text() == files("osci_jobs.results").joinpath(
        "run.schema.json"
    ).read_text()
