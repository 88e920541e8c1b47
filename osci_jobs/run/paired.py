# SPDX-License-Identifier: Apache-2.0
"""A run of two sides: each is a run of its own, and their load is measured by turns.

The directory of the whole holds the comparison; `before` and `after` in it are directories of
runs like any other, but that their load was led from here.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from osci_jobs import signals
from osci_jobs.cache import claimed
from osci_jobs.errors import InterruptionError, OsciError
from osci_jobs.groups import Group
from osci_jobs.regression import document, history, pairs
from osci_jobs.regression.document import Document
from osci_jobs.regression.model import History
from osci_jobs.results import runlog, store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import comparing, led, rounds, watch
from osci_jobs.run.order import Order, Pairing
from osci_jobs.run.phase import phase, record_trouble
from osci_jobs.run.result import report
from osci_jobs.run.rounds import Outcome
from osci_jobs.run.work import Work, start

Listener = Callable[[Mapping[str, Any]], None]

SIDES = ("before", "after")
_COMMIT_DIGITS = 12
_NOTHING = ("", "")


def execute_pairs(pairing: Pairing, listener: Listener) -> tuple[Record, list[Group]]:
    """Carry both sides out, measure and compare them; return the record of the whole.

    With it come the groups that were kept. As `execute`, it raises bugs only.
    """
    order = pairing.order
    works: list[Work] = []
    order.run_directory.mkdir(parents=True, exist_ok=True)
    with RunLog(order.run_directory / store.LOG, listener) as log:
        try:
            start(log, order, (comparing.SUITE,))
            with _recorded(log):
                _work(pairing, log, listener, works)
        finally:
            with signals.blocked():
                log.append("run_ended")
                record = report(order.run_directory)
    return record, [work.group for work in works if work.group and work.is_kept]


@contextlib.contextmanager
def _recorded(log: RunLog) -> Iterator[None]:
    try:
        yield
    except OsciError as error:
        record_trouble(log, error)


def _work(pairing: Pairing, log: RunLog, listener: Listener, works: list[Work]) -> None:
    with contextlib.ExitStack() as stack:
        for name, order in zip(SIDES, (pairing.before, pairing.after), strict=True):
            works.append(stack.enter_context(_side(name, order, listener)))
            with phase(log, name, None), _told_by(name):
                works[-1].prepare()
        with phase(log, comparing.SUITE, pairing.order.limits["suite"].seconds) as outcome:
            outcome[0] = _measure(pairing, works, log)


@contextlib.contextmanager
def _side(name: str, order: Order, listener: Listener) -> Iterator[Work]:
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


def _heard_as(name: str, listener: Listener) -> Listener:
    """Return a listener that tells the side with each phase."""

    def hear(event: Mapping[str, Any]) -> None:
        listener({**event, "phase": f"{name}: {event['phase']}"})

    return hear


@contextlib.contextmanager
def _told_by(name: str) -> Iterator[None]:
    """Let an error out that tells the whole where the side's files are."""
    try:
        yield
    except OsciError as error:
        error.file = f"{name}/{error.file}" if error.file else ""
        raise


def _measure(pairing: Pairing, works: list[Work], log: RunLog) -> str:
    """Measure and compare; return how the comparison ended."""
    directory = pairing.order.run_directory
    earlier = history.read(pairing.history)

    def say(text: str) -> None:
        log.append("step", text=text)

    def keep(outcome: Outcome) -> None:
        pairs.write(directory / comparing.PAIRS, outcome.metrics)

    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(
                led.side(name, work, work.order.suites[0], work.order.limits["suite"])
            )
            for name, work in zip(SIDES, works, strict=True)
        ]
        outcome = rounds.measure((sides[0], sides[1]), pairing.plan, earlier, say, keep)
    return _conclude(pairing, outcome, earlier, log)


def _conclude(pairing: Pairing, outcome: Outcome, earlier: History, log: RunLog) -> str:
    directory = pairing.order.run_directory
    before, after = (_sources(directory / name) for name in SIDES)
    different = [
        project
        for project in sorted(before.keys() | after.keys())
        if before.get(project, _NOTHING)[0] != after.get(project, _NOTHING)[0]
    ]
    found = Document(
        comparison=rounds.compare(outcome, earlier),
        units={one.name: one.unit for one in outcome.metrics},
        plan={
            "seed": pairing.plan.seed,
            "pairs": len(outcome.machine),
            "warm_up": outcome.warm_up,
            "looks": outcome.looks,
            "is_null": not different,
            "sources": [
                [project, before.get(project, _NOTHING)[1], after.get(project, _NOTHING)[1]]
                for project in different
            ],
            "machine": [asdict(look) for look in outcome.machine],
            "noisy": watch.noisy(outcome.machine),
        },
    )
    pairs.write(directory / comparing.PAIRS, outcome.metrics)
    document.write(directory / document.FILE, found)
    ended = comparing.write_cases(directory, found)
    log.append("suite_ended", suite=comparing.SUITE, outcome=ended)
    if not different:
        _learn(pairing.history, outcome)
    return ended


def _learn(path: Path, outcome: Outcome) -> None:
    """Add pairs of one code to what is known of how it varies; runs may end at once."""
    with claimed(path):
        history.write(path, history.fold(history.read(path), outcome.metrics))


def _sources(directory: Path) -> dict[str, tuple[str, str]]:
    """Return of each project of a side what is the same for the same code, and what is told."""
    found: dict[str, tuple[str, str]] = {}
    for event in runlog.iter_events(directory / store.LOG):
        if event["event"] == "pinned":
            found |= {name: (version, version) for name, version in event["versions"].items()}
        elif event["event"] == "source":
            source = event["source"]
            place = "@".join(filter(None, (source.get("url"), source.get("ref"))))
            commit = source.get("merged", "")[:_COMMIT_DIGITS]
            same = source.get("tree") or source.get("ref", "")
            found[event["project"]] = (same, " ".join(filter(None, (place, commit))))
    return found
