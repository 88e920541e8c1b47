# SPDX-License-Identifier: Apache-2.0
"""Two sides under load: measured by turns, and compared.

The directory of the whole holds the comparison; `before` and `after` in it are directories of
runs like any other, but that their load was led from here.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from osci_jobs.cache import claimed
from osci_jobs.groups import Group
from osci_jobs.regression import document, history, pairs
from osci_jobs.regression.document import Document
from osci_jobs.regression.model import History
from osci_jobs.regression.sides import SIDES
from osci_jobs.results import runlog, store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import comparing, rounds, watch, whole
from osci_jobs.run.order import Order, Pairing, Plan
from osci_jobs.run.pair import Pair
from osci_jobs.run.phase import phase
from osci_jobs.run.rounds import Outcome
from osci_jobs.run.whole import Listener
from osci_jobs.run.work import Work

_COMMIT_DIGITS = 12
_NOTHING = ("", "")


def execute_pairs(pairing: Pairing, listener: Listener) -> tuple[Record, list[Group]]:
    """Carry both sides out, measure and compare them; return the record of the whole.

    With it come the groups that were kept. As `execute`, it raises bugs only.
    """

    def work(log: RunLog, works: list[Work]) -> None:
        with contextlib.ExitStack() as stack:
            for name, order in zip(SIDES, (pairing.before, pairing.after), strict=True):
                works.append(stack.enter_context(whole.side(name, order, listener)))
                with phase(log, name, None), whole.told_by(name):
                    works[-1].prepare()
            limit = pairing.order.limits["suite"]
            with phase(log, comparing.SUITE, limit.seconds) as outcome:
                found = measure(pairing.order, pairing.plan, works, log, listener)
                outcome[0] = comparing.write_cases(pairing.order.run_directory, found)
                log.append("suite_ended", suite=comparing.SUITE, outcome=outcome[0])

    return whole.execute(pairing.order, comparing.SUITE, listener, work)


def measure(
    order: Order, plan: Plan, works: Sequence[Work], log: RunLog, listener: Listener
) -> Document:
    """Measure and compare two sides that are up; the last suite of each is that of its load.

    Files that appear: the pairs, from the first one on, and the comparison. Raises
    InfrastructureError when sides are lost too often, and `led.UnmeasuredError`.
    """
    directory = order.run_directory
    earlier = history.read(plan.history)

    def say(text: str) -> None:
        log.append("step", text=text)

    def keep(outcome: Outcome) -> None:
        pairs.write(directory / pairs.FILE, outcome.metrics)

    with Pair(works, listener) as pair:
        outcome = rounds.measure(pair, plan, earlier, say, keep)
    return _conclude(directory, plan, outcome, earlier)


def _conclude(directory: Path, plan: Plan, outcome: Outcome, earlier: History) -> Document:
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
            "seed": plan.seed,
            "pairs": len(outcome.machine),
            "asked": plan.pairs,
            "warm_up": outcome.warm_up,
            "looks": outcome.looks,
            "is_null": not different,
            "sources": [
                [project, before.get(project, _NOTHING)[1], after.get(project, _NOTHING)[1]]
                for project in different
            ],
            "machine": [asdict(look) for look in outcome.machine],
            "noisy": watch.noisy(outcome.machine),
            "uncounted": list(outcome.uncounted),
        },
    )
    pairs.write(directory / pairs.FILE, outcome.metrics)
    document.write(directory / document.FILE, found)
    if not different:
        _learn(plan.history, outcome)
    return found


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
