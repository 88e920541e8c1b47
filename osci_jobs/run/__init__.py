# SPDX-License-Identifier: Apache-2.0
"""A run, from its order to its report: the pipeline, readable top to bottom."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from osci_jobs import groups, process, reports, suites
from osci_jobs.deployment import Limit, Suite, describe
from osci_jobs.errors import InterruptionError, LimitError, OsciError
from osci_jobs.groups import Group, Ledger
from osci_jobs.groups.workshop import Part
from osci_jobs.results import manifest, store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import code, provenance, steps
from osci_jobs.run.order import Order
from osci_jobs.run.phase import phase, record_trouble

__all__ = ["Order", "execute", "report"]

# The check phase installs Debian packages where they are missing.
_CHECK_SECONDS = 600


def execute(order: Order, listener: Callable[[Mapping], None]) -> tuple[Record, Group | None]:
    """Carry the order out; return its record, and its group when that was kept.

    Every trouble is in the record; only a bug is raised. What the run made is
    gone afterwards, or in a ledger that the next command clears.
    """
    order.run_directory.mkdir(parents=True, exist_ok=True)
    # The log is locked until the report is there: whoever finds the lock free finds it all.
    with RunLog(order.run_directory / store.LOG, listener) as log:
        try:
            _start(log, order)
            group = _work(order, log)
        finally:
            # Also after a bug, whose traceback goes on from here.
            with process.signals_blocked():
                record = report(order.run_directory)
    return record, group


def report(run_directory: Path) -> Record:
    """Write everything that follows from the run log and the suites' files; safe to repeat.

    Raises ConfigurationError where there is no run log or its suites are unknown,
    and InfrastructureError when it is damaged.
    """
    modules = store.suite_modules(run_directory)
    found = [suites.find(module) for module in sorted(set(modules.values()))]
    operations = [name for module in found for name in module.OPERATIONS]
    record = store.finish(run_directory, operations, modules)
    reports.write(record, store.read_cases(run_directory), run_directory)
    manifest.write(run_directory)
    return record


def _work(order: Order, log: RunLog) -> Group | None:
    work = _Work(order, log)
    try:
        with work.recorded():
            work.go()
    finally:
        with work.recorded():
            work.end()
        with process.signals_blocked():
            log.append("run_ended")
    return work.group if work.is_kept else None


class _Work:
    """One run under way: its group and what is known of it so far."""

    def __init__(self, order: Order, log: RunLog):
        self.order = order
        self.log = log
        self.ledger: Ledger | None = None
        self.group: Group | None = None
        self.is_kept = False
        self._started = time.monotonic()
        self._end = self._started + order.limits["run"].seconds
        self._failed = True
        self._interrupts = 0

    def go(self) -> None:
        """Go through the phases up to the last one that was asked for."""
        with phase(self.log, "check", _CHECK_SECONDS):
            steps.check(self.order, self._say)
            groups.clear(self.order.state, self._say)
        if self.order.group:
            self._claim()
        else:
            self._make()
        outcomes = [self._run_suite(self.group, suite) for suite in self._suites() if self.group]
        self._failed = any(outcome != "success" for outcome in outcomes)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Let no OsciError out of the body that is not in the run log."""
        try:
            yield
        except OsciError as error:
            self._interrupts += isinstance(error, InterruptionError)
            record_trouble(self.log, error)

    def _claim(self) -> None:
        with phase(self.log, "create", self._limit("create").seconds):
            self.ledger, self.group = groups.claim(self.order.state, self.order.group)
            code.recall(self.group, self.order, self.log)
        self.is_kept = True

    def _make(self) -> None:
        order = self.order
        parts = self._fetch() if order.deployment.services else []
        if order.until == "fetch":
            return
        with phase(self.log, "install", self._limit("install").seconds):
            self.ledger = groups.open_ledger(order.state, order.own_group, order.run)
            groups.make_scratch(self.ledger)
            lowers = steps.install(self.ledger, order, self._say)
            lowers = code.layers(self.ledger, order, lowers, parts, self._say)
            self.log.append("provenance", provenance=provenance.find(order, lowers))
        if order.until == "install":
            return
        with phase(self.log, "create", self._limit("create").seconds):
            self.group = groups.create(self.ledger, order.deployment, lowers, order.run)
            code.remember(self.group, self.log)
        if order.until == "create" or not order.deployment.software:
            return
        limit = self._limit("deploy")
        with phase(self.log, "deploy", limit.seconds):
            seconds = steps.deploy(self.ledger, self.group, order, limit, self._say)
            self._say(f"Ansible used {seconds:.1f} s of CPU.")

    def _fetch(self) -> list[Part]:
        with phase(self.log, "fetch", self._limit("fetch").seconds):
            return code.fetch(self.order, self.log, self._say)

    def _suites(self) -> tuple[Suite, ...]:
        return () if self.order.until else self.order.suites

    def _run_suite(self, group: Group, suite: Suite) -> str:
        limit = self._limit("suite")
        with phase(self.log, suite.name, limit.seconds + 2 * steps.SUITE_MARGIN_SECONDS) as outcome:
            outcome[0] = steps.run_suite(
                group, suite, limit, self.order.run_directory, self.log, self._say
            )
        return outcome[0]

    def end(self) -> None:
        """Harvest and remove the group, or keep it where that was asked for."""
        if self.ledger is None:
            return
        with self.recorded():
            if self.group and (self._failed or not self.order.until):
                self._harvest(self.group)
        self._delete_or_keep(self.ledger)

    def _harvest(self, group: Group) -> None:
        with phase(self.log, "harvest", self.order.limits["harvest"].seconds):
            steps.harvest(self.order, group, self._started, self.log, self._say)

    def _delete_or_keep(self, ledger: Ledger) -> None:
        if self._interrupts > 1:
            # The user will not wait: the next command removes what the ledger lists.
            ledger.close()
            return
        if self.is_kept or (self.group and self._is_to_keep()):
            ledger.record("keep")
            ledger.close()
            self.is_kept = True
            return
        with phase(self.log, "delete", self.order.limits["delete"].seconds):
            groups.delete(ledger)

    def _is_to_keep(self) -> bool:
        wanted = {"always": True, "failed": self._failed, "success": not self._failed}
        return wanted.get(self.order.keep, False)

    def _limit(self, name: str) -> Limit:
        """Return the limits of a phase, cut to what is left of the run's."""
        left = self._end - time.monotonic()
        if left <= 0:
            seconds = self.order.limits["run"].seconds
            raise LimitError(f"The run went past its limit of {seconds:g} s.")
        limit = self.order.limits[name]
        return replace(limit, seconds=min(limit.seconds, left))

    def _say(self, text: str, host: str = "") -> None:
        self.log.append("step", text=text, **({"host": host} if host else {}))


def _start(log: RunLog, order: Order) -> None:
    log.append(
        "run_started",
        run=order.run,
        command=order.command,
        arguments=list(order.arguments),
        deployment={
            "name": order.deployment.name,
            "digest": order.deployment.digest,
            "resolved": describe(order.deployment),
        },
        group=order.group or order.own_group,
        suites=[] if order.until else [suite.name for suite in order.suites],
        keep=order.keep,
    )
