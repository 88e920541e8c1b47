# SPDX-License-Identifier: Apache-2.0
"""A run, from its order to its report: the pipeline, readable top to bottom.

Two sides are run by `paired` and `proposed`, which whoever needs them imports: what they
compare with takes longer to load than most commands take.
"""

from collections.abc import Callable, Mapping

from osci_jobs import signals
from osci_jobs.groups import Group
from osci_jobs.results import store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run.order import Order, Pairing, Plan, Proposal
from osci_jobs.run.result import report
from osci_jobs.run.work import Work, start

__all__ = [
    "Order",
    "Pairing",
    "Plan",
    "Proposal",
    "execute",
    "report",
]


def execute(order: Order, listener: Callable[[Mapping], None]) -> tuple[Record, Group | None]:
    """Carry the order out; return its record, and its group when that was kept.

    Every trouble is in the record; only a bug is raised. What the run made is
    gone afterwards, or in a ledger that the next command clears.
    """
    order.run_directory.mkdir(parents=True, exist_ok=True)
    # The log is locked until the report is there: whoever finds the lock free finds it all.
    with RunLog(order.run_directory / store.LOG, listener) as log:
        try:
            start(log, order, () if order.until else tuple(one.name for one in order.suites))
            group = _work(order, log)
        finally:
            # Also after a bug, whose traceback goes on from here.
            with signals.blocked():
                record = report(order.run_directory)
    return record, group


def _work(order: Order, log: RunLog) -> Group | None:
    work = Work(order, log)
    try:
        with work.recorded():
            work.go()
    finally:
        with work.recorded():
            work.end()
        with signals.blocked():
            log.append("run_ended")
    return work.group if work.is_kept else None
