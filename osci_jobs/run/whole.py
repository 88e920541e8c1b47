# SPDX-License-Identifier: Apache-2.0
"""A run of two sides: each is a run of its own, in a directory of its own within the whole's."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from osci_jobs import signals
from osci_jobs.errors import InterruptionError, OsciError
from osci_jobs.groups import Group
from osci_jobs.results import store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run.order import Order
from osci_jobs.run.phase import record_trouble
from osci_jobs.run.result import report
from osci_jobs.run.work import Work, start

Listener = Callable[[Mapping[str, Any]], None]


def execute(
    order: Order, suite: str, listener: Listener, work: Callable[[RunLog, list[Work]], None]
) -> tuple[Record, list[Group]]:
    """Carry out the whole, whose one suite this is; return its record and the groups kept.

    `work` is told the run log, and lists the sides that it makes. Every trouble is in the
    record; only a bug is raised.
    """
    works: list[Work] = []
    order.run_directory.mkdir(parents=True, exist_ok=True)
    with RunLog(order.run_directory / store.LOG, listener) as log:
        try:
            start(log, order, (suite,))
            with recorded(log):
                work(log, works)
        finally:
            with signals.blocked():
                log.append("run_ended")
                record = report(order.run_directory)
    return record, [one.group for one in works if one.group and one.is_kept]


@contextlib.contextmanager
def recorded(log: RunLog) -> Iterator[None]:
    """Let no OsciError out of the body that is not in the run log."""
    try:
        yield
    except OsciError as error:
        record_trouble(log, error)


@contextlib.contextmanager
def side(name: str, order: Order, listener: Listener) -> Iterator[Work]:
    """Yield a side's run; it is ended and reported afterwards."""
    order.run_directory.mkdir(parents=True)
    with RunLog(order.run_directory / store.LOG, _heard_as(name, listener)) as log:
        start(log, order, tuple(suite.name for suite in order.suites))
        work = Work(order, log)
        try:
            yield work
        except InterruptionError as error:
            # Who interrupts once more, while hosts are harvested, will not wait.
            work.note(error)
            raise
        finally:
            with work.recorded():
                work.end()
            with signals.blocked():
                log.append("run_ended")
                report(order.run_directory)


@contextlib.contextmanager
def told_by(name: str) -> Iterator[None]:
    """Let an error out that tells the whole where the side's files are."""
    try:
        yield
    except OsciError as error:
        error.file = f"{name}/{error.file}" if error.file else ""
        raise


def _heard_as(name: str, listener: Listener) -> Listener:
    """Return a listener that tells the side with each phase."""

    def hear(event: Mapping[str, Any]) -> None:
        listener({**event, "phase": f"{name}: {event['phase']}"})

    return hear
