# SPDX-License-Identifier: Apache-2.0
"""The metrics of a run: one table that declares them, one CSV for each."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import files


@dataclass(frozen=True)
class Metric:
    """What the numbers of `metrics/<name>.csv` are, whatever its column."""

    name: str
    unit: str
    direction: str  # lower, higher or neither is better
    kind: str  # time, counter, size, share
    meaning: str


METRICS = (
    Metric("phases", "seconds", "lower", "time", "How long each phase and each suite took."),
    Metric("api", "seconds", "lower", "time", "The median answer time of each API operation."),
)
_BEFORE_SUITES = ("check", "install", "create", "deploy")
_AFTER_SUITES = ("harvest", "delete", "total")


def phase_columns(suite_names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of phases.csv for a deployment with these suites."""
    return (*_BEFORE_SUITES, *suite_names, *_AFTER_SUITES)


def api_columns(operations: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of api.csv for these API operations."""
    return tuple(operations)


def write_csv(path: Path, row: Mapping[str, float], columns: Iterable[str]) -> None:
    """Write `columns` and one row of numbers to `path`; safe to repeat.

    A column that `row` lacks stays empty; what `row` has beside the columns is
    left out, so that the file's shape depends on the columns alone.
    """
    names = tuple(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerow([_number(row[name]) if name in row else "" for name in names])
    files.write_text(path, text.getvalue())


def read_csv(path: Path) -> dict[str, float]:
    """Return the numbers that `write_csv` wrote, without the columns that are empty.

    Raises ConfigurationError when there is no such file.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The metrics in '{path}' cannot be read: {error.strerror}."
        ) from error
    names, values = csv.reader(io.StringIO(text))
    return {name: float(value) for name, value in zip(names, values, strict=True) if value}


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
