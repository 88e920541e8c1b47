# SPDX-License-Identifier: Apache-2.0
"""Two groups under load, by turns; one that is lost meanwhile is made anew."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

from osci_jobs import groups
from osci_jobs.errors import InfrastructureError, OsciError
from osci_jobs.regression.sides import SIDES
from osci_jobs.results import store
from osci_jobs.run import led, whole
from osci_jobs.run.led import LostSideError, Side
from osci_jobs.run.order import Order
from osci_jobs.run.whole import Listener
from osci_jobs.run.work import Work

# So many groups may be lost before it is the machine that cannot do it.
MOST_LOST = 2


class Pair:
    """Both sides under load; one that is lost is made anew, a few times.

    A new one is a run of its own, of the load alone, in a directory beside that of the lost.
    `renewing_seconds` is how long it took to make them.
    """

    def __init__(self, works: Sequence[Work], listener: Listener):
        self.sides: list[Side] = []
        self.renewing_seconds = 0.0
        self._works = list(works)
        self._listener = listener
        self._lost = 0
        self._stacks = [contextlib.ExitStack() for _ in works]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as entered:
            for name, work, stack in zip(SIDES, self._works, self._stacks, strict=True):
                entered.push(stack)
                self.sides.append(stack.enter_context(_side(name, work)))
            entered.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        left = contextlib.ExitStack()
        for stack in self._stacks:
            left.push(stack)
        left.__exit__(*error)

    def renew(self, error: LostSideError) -> None:
        """Make the lost side anew; raise what its generator said was the reason, or the error."""
        started = time.monotonic()
        self._lost += 1
        number, name = error.number, SIDES[error.number]
        self._leave(number, error)
        if self._lost > MOST_LOST:
            raise InfrastructureError(
                f"Groups were lost {self._lost} times while load was on them. {error}",
                host=error.host,
                line=error.line,
            )
        other = self.sides[1 - number]
        other.wake()
        order = _again(self._works[number].order, f"{name}-{self._lost + 1}")
        stack = self._stacks[number] = contextlib.ExitStack()
        work = stack.enter_context(whole.side(order.run_directory.name, order, self._listener))
        work.prepare()
        self._works[number] = work
        self.sides[number] = stack.enter_context(_side(name, work))
        self.sides[number].wait_until_ready()
        other.rest()
        self.renewing_seconds += time.monotonic() - started

    def _leave(self, number: int, error: LostSideError) -> None:
        """End a side; nothing that goes wrong with a lost one matters, but why it ended."""
        work, cause = self._works[number], error.__cause__ or error
        work.note(error)
        try:
            self._stacks[number].__exit__(type(cause), cause, cause.__traceback__)
        except led.UnmeasuredError:
            raise
        except OsciError as trouble:
            work.note(trouble)
        with work.recorded():
            work.end()


def _side(name: str, work: Work) -> contextlib.AbstractContextManager[Side]:
    return led.side(name, work, work.order.suites[-1], work.order.limits["suite"])


def _again(order: Order, name: str) -> Order:
    """Return the order of a side once more, for its load alone."""
    return replace(
        order,
        run=store.run_id(datetime.now(UTC), order.deployment.name, groups.new_token()),
        run_directory=order.run_directory.parent / name,
        suites=order.suites[-1:],
    )
