# SPDX-License-Identifier: Apache-2.0
"""What suites said of the same code a short time ago.

Only of suites: times that were measured at different times say nothing of the code.
"""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from osci_jobs.errors import OsciError
from osci_jobs.regression.sides import SIDES
from osci_jobs.results import record, runs, store
from osci_jobs.results.record import Record
from osci_jobs.run import provenance
from osci_jobs.run.order import Order

# Longer ago the machine, or what is installed on it, may have been another.
AGE = timedelta(days=1)
_WHOLE = ("success", "failure")
_MADE_FROM = ("osci", "playbooks", "constraints", "suites")


def find(order: Order) -> Path | None:
    """Return the directory of the newest run that says what the order's suites would.

    It is of the same deployment, commits, playbooks and pins, its suites ran to their end,
    all of that within AGE. It is looked for beside the run that the order is a side of.
    """
    oldest = datetime.now(UTC) - AGE
    whole = order.run_directory.parent
    for directory in _iter_runs(whole.parent, but=whole):
        try:
            found = record.load(directory / store.RUN)
        except OsciError:
            continue
        if datetime.fromisoformat(found.started) >= oldest and _is_same(found, order):
            return directory
    return None


def take(directory: Path, order: Order) -> None:
    """Let the order's directory be a copy of that of an earlier run."""
    shutil.copytree(directory, order.run_directory, symlinks=True)


def _iter_runs(output: Path, but: Path) -> Iterator[Path]:
    for whole in runs.found(output):
        if whole != but and not runs.is_under_way(whole):
            places = (whole, *(whole / side for side in SIDES))
            yield from (place for place in places if (place / store.RUN).exists())


def _is_same(found: Record, order: Order) -> bool:
    now = provenance.find(order, ())
    return (
        found.deployment["digest"] == order.deployment.digest
        and _code(found.sources) == _wanted(order)
        and all(found.provenance.get(name) == now[name] for name in _MADE_FROM)
        and list(found.suites) == [suite.name for suite in order.suites]
        and all(suite.outcome in _WHOLE for suite in found.suites.values())
    )


def _code(sources: Mapping[str, Any]) -> dict[str, str]:
    """Return the commit of each project, or its release."""
    return {name: source["merged"] or source["ref"] for name, source in sources.items()}


def _wanted(order: Order) -> dict[str, str]:
    if not order.deployment.services:
        return {}
    asked = {source.project: source.ref for source in order.sources}
    return {**provenance.pins(order.projects), **asked}
