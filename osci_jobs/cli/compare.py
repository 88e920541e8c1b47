# SPDX-License-Identifier: Apache-2.0
"""`osci compare`: hold one run against another, metric by metric."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from osci_jobs.cli.table import table
from osci_jobs.regression import comparison, model
from osci_jobs.regression.model import Comparison, Finding, Paired
from osci_jobs.reports.amounts import amount
from osci_jobs.results import metrics, runs

SHOWN = 40
NOTE = "Indicative: the runs were not measured in turns, so it may be the machine that differs."


def call(asked: argparse.Namespace) -> int:
    """Print how the metrics of a run differ from those of another, the furthest first."""
    before, after = (_directory(asked, word) for word in (asked.before, asked.after))
    rows = [_read(path) for path in (before, after)]
    names = dict.fromkeys(name for row in rows for name in row)
    declared = [paired for paired in map(_declared, names) if paired]
    found = comparison.compare(model.gather(declared, rows[:1], rows[1:]), is_interleaved=False)
    if asked.json:
        print(json.dumps(_document(before, after, found), sort_keys=True))
    else:
        print("\n".join(_lines(before, after, found, declared)))
    return 0


def _directory(asked: argparse.Namespace, word: str) -> Path:
    directory = runs.find(asked.output, word)
    runs.require_result(directory)
    return directory


def _read(directory: Path) -> dict[str, float]:
    """Return the numbers of a run by `file/column`."""
    found: dict[str, float] = {}
    # Effects are differences themselves.
    for file in (name for name in metrics.TITLES if name != metrics.EFFECTS):
        path = directory / metrics.path(file)
        if path.exists():
            found |= {f"{file}/{name}": value for name, value in metrics.read_csv(path).items()}
    return found


def _declared(name: str) -> Paired | None:
    file, _, column = name.partition("/")
    metric = metrics.of_column(file, column)
    if metric is None:
        return None
    floor = metrics.FLOORS[metric.unit]
    return Paired(name, metric.unit, metric.direction, metric.kind, floor)


def _document(before: Path, after: Path, found: Comparison) -> dict:
    return {
        "before": str(before),
        "after": str(after),
        "is_indicative": found.is_indicative,
        "findings": [asdict(finding) for finding in found.findings],
    }


def _lines(before: Path, after: Path, found: Comparison, declared: list[Paired]) -> Iterator[str]:
    units = {paired.name: paired.unit for paired in declared}
    floors = {paired.name: paired.floor for paired in declared}
    changed = sorted(
        (one for one in found.findings if abs(_change(one)) >= floors[one.name]),
        key=lambda one: -abs(_relative(one)),
    )
    yield NOTE
    yield f"before: {before}"
    yield f"after:  {after}"
    rows = [_cells(one, units[one.name]) for one in changed[:SHOWN]]
    yield from table([("metric", "before", "after", "unit", "change"), *rows])
    if len(changed) > SHOWN:
        yield f"… and {len(changed) - SHOWN} more that differ; --json has them all"
    yield f"{len(found.findings) - len(changed)} metrics differ by less than is of interest."


def _cells(one: Finding, unit: str) -> tuple[str, ...]:
    known = (amount(value) if value is not None else "-" for value in (one.before, one.after))
    return (one.name, *known, unit, f"{100 * _relative(one):+.1f} %" if one.before else "new")


def _change(one: Finding) -> float:
    return 0.0 if one.before is None or one.after is None else one.after - one.before


def _relative(one: Finding) -> float:
    return _change(one) / abs(one.before) if one.before else 1.0
