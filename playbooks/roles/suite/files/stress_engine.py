# SPDX-License-Identifier: Apache-2.0
"""Start operations at the times that a scenario says, and measure how long each takes.

With a `rate` arrivals are open: each has its time, whatever became of those before, and
its latency counts from that time. So a cloud that stalls is charged for all who would
have come meanwhile (coordinated omission, G. Tene, "How NOT to measure latency").
With a `concurrency` there are so many users, each of whom asks again once answered;
latency counts from the asking then. What starts during the ramp is not measured.
"""

import asyncio
import gc
import itertools
import os
import resource
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stress_cloud import CallError

# Who is not answered holds memory and a connection; past these, arrivals are not sent.
OPEN_LIMIT = 2000
# A timer of the loop has whole milliseconds, and may be one late.
LATE_SECONDS = 0.0015
NICENESS = -10


@dataclass(frozen=True, slots=True)
class Done:
    """One operation: `second` is when it was to start, counted from the end of the ramp.

    `error` is "" when all its answers were right. `steps` are seconds by name.
    """

    operation: str
    second: float
    seconds: float
    lag_seconds: float
    error: str = ""
    steps: dict = field(default_factory=dict)


@dataclass
class Measured:
    """What a scenario did: `done` after the ramp, `finished` counts all that went well."""

    started: datetime
    seconds: float = 0.0
    done: list = field(default_factory=list)
    finished: int = 0
    examples: dict = field(default_factory=dict)

    def add(self, one, text=""):
        """Take in an operation that has ended; `text` says more of its error."""
        self.finished += not one.error
        if one.error:
            self.examples.setdefault(one.error, text)
        if one.second >= 0:
            self.done.append(one)


def claim():
    """Let this process have what load needs: the processor first, and a file a connection.

    The cloud uses the same cores; who measures must not wait for whom it measures.
    """
    os.nice(NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def run(scenario, operations, stage):
    """Carry the scenario out; return Measured. It ends, whatever the cloud does.

    `operations` are functions by name, `scenario` has the weight of each.
    """
    _tidy()
    measured = Measured(datetime.now(UTC))
    load = _Load(scenario, operations, stage, measured)
    await (load.arrivals() if "rate" in scenario else load.users())
    measured.seconds = scenario["duration"]
    return measured


def _tidy():
    """Collect garbage now; in the load, look through what comes meanwhile only.

    To look through all modules takes 20 ms, in which no operation begins.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class _Load:
    """The load of one scenario, under way."""

    def __init__(self, scenario, operations, stage, measured):
        self._scenario = scenario
        self._operations = operations
        self._stage = stage
        self._measured = measured
        self._names = itertools.cycle(_turns(scenario["operations"]))
        self._start = time.monotonic() + scenario["ramp"]
        self._open = 0

    async def arrivals(self):
        """Let operations come at their times, and wait for the last."""
        async with asyncio.TaskGroup() as tasks:
            for second in _times(self._scenario):
                await _until(self._start + second)
                if self._open < OPEN_LIMIT:
                    self._open += 1
                    tasks.create_task(self._operate(second))
                else:
                    self._measured.add(Done(next(self._names), second, 0, 0, "not sent"))

    async def users(self):
        """Let each user ask again and again; they come one by one during the ramp."""
        number, ramp = self._scenario["concurrency"], self._scenario["ramp"]
        async with asyncio.TaskGroup() as tasks:
            for user in range(number):
                tasks.create_task(self._use(-ramp + ramp * user / number))

    async def _use(self, second):
        await _until(self._start + second)
        while second < self._scenario["duration"]:
            self._open += 1
            await self._operate(second)
            second = time.monotonic() - self._start

    async def _operate(self, second):
        """Do one operation that was to start at `second`."""
        name = next(self._names)
        due = self._start + second
        lag, error, text, steps = time.monotonic() - due, "", "", None
        try:
            async with asyncio.timeout(self._scenario["timeout"]):
                steps = await self._operations[name](self._stage)
        except CallError as caught:
            error, text = caught.kind, str(caught)
        except TimeoutError:
            error = f"not done after {self._scenario['timeout']:g} s"
        self._open -= 1
        seconds = time.monotonic() - due
        self._measured.add(Done(name, second, seconds, max(lag, 0.0), error, steps or {}), text)


async def _until(moment):
    """Wait until a moment of the monotonic clock, and for neither less nor more.

    The last of it goes round the loop, which does meanwhile what else there is.
    """
    while (left := moment - time.monotonic()) > 0:
        await asyncio.sleep(max(left - LATE_SECONDS, 0))


def _times(scenario):
    """Yield when operations come, in seconds from the end of the ramp, in order.

    They are evenly spaced; in the ramp their rate grows from nothing. Evenly, since
    times by chance would be another thing that differs between two runs.
    """
    rate, ramp = scenario["rate"], scenario["ramp"]
    # A rate that grows like t/ramp has seen rate·t²/(2·ramp) arrivals at t.
    for number in range(int(rate * ramp / 2)):
        yield -ramp + (2 * ramp * number / rate) ** 0.5
    for number in range(max(round(rate * scenario["duration"]), 1)):
        yield number / rate


def _turns(weights):
    """Return the names of a mix in turns, each as often as its weight, well mixed."""
    places = (
        ((number + 0.5) / weight, name)
        for name, weight in weights.items()
        for number in range(weight)
    )
    return [name for _, name in sorted(places)]
