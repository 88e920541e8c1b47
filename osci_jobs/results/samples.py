# SPDX-License-Identifier: Apache-2.0
"""The samples of a suite, read from the `samples.csv` that a stranger wrote."""

import csv
import io
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from osci_jobs.results import files

COLUMNS = ("at", "operation", "seconds", "status")
FILE_BYTES = 64 * 1024 * 1024
ROWS = 1_000_000
FIELD_CHARACTERS = 200
SECONDS = 1e6
NO_ANSWER = 0
_STATUSES = range(100, 600)
_GOOD_STATUSES = range(200, 400)


@dataclass(frozen=True, slots=True)
class Sample:
    """One API call: its operation, how long it took, and the HTTP status (0: no answer)."""

    at: datetime
    operation: str
    seconds: float
    status: int

    @property
    def is_good(self) -> bool:
        """Whether it was answered with a status from 200 to 399."""
        return self.status in _GOOD_STATUSES


@dataclass(frozen=True)
class Samples:
    """What one file holds: the samples, and how many of its rows are none."""

    samples: tuple[Sample, ...]
    bad_rows: int


def read(path: Path) -> Samples:
    """Return the samples in the CSV at `path`; a missing file has none.

    A row that is no sample is counted, not fatal. All that is past a limit counts
    as one bad row, and so does a file without the header of COLUMNS.
    """
    try:
        data, is_cut = files.read_capped(path, FILE_BYTES)
    except FileNotFoundError:
        return Samples((), 0)
    except OSError:
        return Samples((), 1)
    lines = io.StringIO(data.decode("utf-8", "backslashreplace"), newline="")
    rows = _iter_rows(lines)
    if next(rows, None) != list(COLUMNS):
        return Samples((), 1)
    parsed = [_parse(row) for row in islice(rows, ROWS)]
    good = tuple(sample for sample in parsed if sample)
    is_cut = is_cut or next(rows, None) is not None
    return Samples(good, len(parsed) - len(good) + is_cut)


def medians(samples: Iterable[Sample], operations: Iterable[str]) -> dict[str, float]:
    """Return the median seconds of each of `operations` that was answered well.

    Only calls with a status from 200 to 399 count: an error is often fast, and
    would make a broken service look quick.
    """
    seconds: Mapping[str, list[float]] = {operation: [] for operation in operations}
    for sample in samples:
        if sample.operation in seconds and sample.is_good:
            seconds[sample.operation].append(sample.seconds)
    return {name: statistics.median(found) for name, found in seconds.items() if found}


def _iter_rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield each row, split line by line: a quote left open spoils one row, not the rest."""
    for line in lines:
        try:
            row = next(csv.reader([line.rstrip("\r\n")], strict=True), [])
        except csv.Error:
            row = ["malformed"]
        if row:
            yield row


def _parse(row: list[str]) -> Sample | None:
    if len(row) != len(COLUMNS) or max(map(len, row)) > FIELD_CHARACTERS:
        return None
    at, operation, seconds, status = row
    try:
        sample = Sample(datetime.fromisoformat(at), operation, float(seconds), int(status))
    except ValueError:
        return None
    is_status = sample.status == NO_ANSWER or sample.status in _STATUSES
    is_good = operation and is_status and 0 <= sample.seconds <= SECONDS
    return sample if is_good else None
