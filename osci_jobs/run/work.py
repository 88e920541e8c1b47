# SPDX-License-Identifier: Apache-2.0
"""A run under way: its phases, and what it leaves."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from osci_jobs import groups
from osci_jobs.deployment import Limit, Suite, describe
from osci_jobs.errors import InterruptionError, LimitError, OsciError
from osci_jobs.groups import Group, Ledger
from osci_jobs.groups.workshop import Part
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import code, provenance, steps
from osci_jobs.run.order import Order
from osci_jobs.run.phase import phase, record_trouble

# The check phase installs Debian packages where they are missing.
_CHECK_SECONDS = 600


class Work:
    """One run under way: its group and what is known of it so far."""

    def __init__(self, order: Order, log: RunLog):
        self.order = order
        self.log = log
        self.ledger: Ledger | None = None
        self.group: Group | None = None
        self.is_kept = False
        self._started = time.monotonic()
        self._end = self._started + order.limits["run"].seconds
        self.has_failed = True
        self._interrupts = 0

    def go(self) -> None:
        """Go through the phases up to the last one that was asked for."""
        self.prepare()
        self.run_suites(() if self.order.until else self.order.suites)

    def prepare(self) -> None:
        """Go through the phases before the suites: make the group, or take it."""
        with phase(self.log, "check", _CHECK_SECONDS):
            steps.check(self.order, self.say)
            groups.clear(self.order.state, self.say)
        if self.order.group:
            self._claim()
        else:
            self._make()

    def run_suites(self, suites: Iterable[Suite]) -> None:
        """Run these suites of the order, each a phase, on the group if there is one."""
        outcomes = [self._run_suite(self.group, suite) for suite in suites if self.group]
        self.has_failed = any(outcome != "success" for outcome in outcomes)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Let no OsciError out of the body that is not in the run log."""
        try:
            yield
        except OsciError as error:
            self.note(error)

    def note(self, error: OsciError) -> None:
        """Write the error to the run log, once; whoever interrupts twice will not wait."""
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
            lowers = steps.install(self.ledger, order, self.say)
            lowers = code.layers(self.ledger, order, lowers, parts, self.say)
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
            seconds = steps.deploy(self.ledger, self.group, order, limit, self.say)
            self.say(f"Ansible used {seconds:.1f} s of CPU.")

    def _fetch(self) -> list[Part]:
        with phase(self.log, "fetch", self._limit("fetch").seconds):
            return code.parts(self.order, code.fetch(self.order, self.log, self.say))

    def _run_suite(self, group: Group, suite: Suite) -> str:
        limit = self._limit("suite")
        with phase(self.log, suite.name, limit.seconds + 2 * steps.SUITE_MARGIN_SECONDS) as outcome:
            outcome[0] = steps.run_suite(
                group, suite, limit, self.order.run_directory, self.log, self.say
            )
        return outcome[0]

    def end(self) -> None:
        """Harvest and remove the group, or keep it where that was asked for; safe to repeat."""
        ledger, self.ledger = self.ledger, None
        if ledger is None:
            return
        with self.recorded():
            if self.group and (self.has_failed or not self.order.until):
                self._harvest(self.group)
        self._delete_or_keep(ledger)

    def _harvest(self, group: Group) -> None:
        with phase(self.log, "harvest", self.order.limits["harvest"].seconds):
            steps.harvest(self.order, group, self._started, self.log, self.say)

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
        wanted = {"always": True, "failed": self.has_failed, "success": not self.has_failed}
        return wanted.get(self.order.keep, False)

    def _limit(self, name: str) -> Limit:
        """Return the limits of a phase, cut to what is left of the run's."""
        left = self._end - time.monotonic()
        if left <= 0:
            seconds = self.order.limits["run"].seconds
            raise LimitError(f"The run went past its limit of {seconds:g} s.")
        limit = self.order.limits[name]
        return replace(limit, seconds=min(limit.seconds, left))

    def say(self, text: str, host: str = "") -> None:
        self.log.append("step", text=text, **({"host": host} if host else {}))


def start(log: RunLog, order: Order, suites: tuple[str, ...]) -> None:
    """Write down what was asked for, with the names of the suites that are to run."""
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
        suites=list(suites),
        keep=order.keep,
    )
