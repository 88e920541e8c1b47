# SPDX-License-Identifier: Apache-2.0
"""The two sides of a run, each a run of its own, as they lie in its directory."""

from dataclasses import dataclass
from pathlib import Path

from osci_jobs.regression import document, functional
from osci_jobs.regression.document import Document
from osci_jobs.regression.functional import Standing
from osci_jobs.results import store
from osci_jobs.results.cases import Case
from osci_jobs.results.record import Record

# Trunk, or whatever is held against, is `before`.
SIDES = ("before", "after")
# What failed anew, once more on a fresh group of the changed side.
RERUN = "rerun"
# How a suite ends that says nothing of the code: it was stopped, or never came to run.
_SILENT = ("interrupted", "infrastructure", "skipped")


@dataclass(frozen=True)
class Side:
    """One side: its record so far, and the cases of its suites, by suite."""

    record: Record
    cases: dict[str, list[Case]]


@dataclass(frozen=True)
class Sides:
    """What is known of a run of two sides; None for a side or a comparison that is not there."""

    before: Side | None
    after: Side | None
    rerun: Side | None
    compared: Document | None
    standings: tuple[Standing, ...]


def read(run_directory: Path) -> Sides:
    """Return what lies in the directory of a run; cases of load stand for themselves.

    A side may be under way. Raises InfrastructureError for a log that is damaged, and
    ConfigurationError for a comparison that is none.
    """
    before, after, rerun = (_side(run_directory / name) for name in (*SIDES, RERUN))
    return Sides(
        before=before,
        after=after,
        rerun=rerun,
        compared=document.read(run_directory / document.FILE),
        standings=_standings(before, after, rerun),
    )


def _side(directory: Path) -> Side | None:
    if not (directory / store.LOG).exists():
        return None
    return Side(*store.look(directory))


def _standings(before: Side | None, after: Side | None, rerun: Side | None) -> tuple[Standing, ...]:
    if not before or not after:
        return ()
    names = [name for name in _telling(after) if name in _telling(before)]
    return functional.compare(
        {name: before.cases[name] for name in names},
        {name: after.cases[name] for name in names},
        {name: rerun.cases[name] for name in _telling(rerun)} if rerun else None,
    )


def _telling(side: Side) -> list[str]:
    """Return the suites of a side whose cases say something of the code."""
    return [
        name
        for name, suite in side.record.suites.items()
        if suite.outcome not in _SILENT and name != store.LOAD
    ]
