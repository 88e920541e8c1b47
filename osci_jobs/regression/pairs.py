# SPDX-License-Identifier: Apache-2.0
"""Pairs in a file: a CSV, packed by gzip, with a row for each pair of each metric."""

import csv
import gzip
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression.model import DIRECTIONS, KINDS, Paired

FILE = "pairs.csv.gz"
COLUMNS = ("metric", "unit", "direction", "kind", "floor", "family", "pair", "before", "after")


def write(path: Path, metrics: Iterable[Paired]) -> None:
    """Write the pairs of the metrics; the same metrics give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for metric in metrics:
        head = (
            *(metric.name, metric.unit, metric.direction, metric.kind, f"{metric.floor:g}"),
            metric.family,
        )
        for number, pair in enumerate(zip(metric.before, metric.after, strict=True)):
            writer.writerow((*head, number, *map(_text, pair)))
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def read(path: Path) -> tuple[Paired, ...]:
    """Return the metrics of a file, in its order.

    Raises ConfigurationError when the file cannot be read, or is none of pairs.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode()
    except (OSError, EOFError, ValueError) as error:
        raise ConfigurationError(f"The pairs in '{path}' cannot be read: {error}.") from error
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ConfigurationError(f"The columns of '{path}' are not {', '.join(COLUMNS)}.")
    found: dict[str, Paired] = {}
    try:
        for row in rows:
            found[row["metric"]] = _with_pair(found.get(row["metric"]), row)
    except (ValueError, TypeError, csv.Error) as error:
        raise ConfigurationError(f"{path}:{rows.line_num}: This is no pair: {error}.") from error
    return tuple(found.values())


def _with_pair(known: Paired | None, row: Mapping[str, str]) -> Paired:
    """Return the metric with one more pair; raises ValueError when the row is none of it."""
    head = Paired(
        *(row["metric"], row["unit"], row["direction"], row["kind"], float(row["floor"])),
        family=row["family"],
    )
    metric = head if known is None else known
    if head != replace(metric, before=(), after=()):
        raise ValueError("unit, direction, kind, floor or family is another than before")
    if metric.direction not in DIRECTIONS or metric.kind not in KINDS or not metric.floor >= 0:
        raise ValueError("direction, kind or floor is none")
    if int(row["pair"]) != len(metric.before):
        raise ValueError(f"pair {len(metric.before)} was expected")
    before, after = (_number(row[side]) for side in ("before", "after"))
    return replace(metric, before=(*metric.before, before), after=(*metric.after, after))


def _number(text: str) -> float | None:
    value = float(text) if text else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"
