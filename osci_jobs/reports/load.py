# SPDX-License-Identifier: Apache-2.0
"""What scenarios of load measured, as a report shows it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from osci_jobs.reports.usage import Chart, Series
from osci_jobs.results.load import Measured

SHOWN = 4  # services of one scenario, those that computed most
# The resources of a table of costs, each with what turns it into its unit, and the unit.
RESOURCES = (
    ("cpu", 1000.0, "CPU ms"),
    ("statements", 1.0, "statements"),
    ("rows", 1.0, "rows"),
    ("messages", 1.0, "messages"),
    ("calls", 1.0, "calls"),
    ("log", 1.0, "lines of log"),
    ("memory", 1.0 / 1024, "KiB kept"),
)


@dataclass(frozen=True)
class Cost:
    """What a service used for one operation: a number for each of RESOURCES, or None."""

    service: str
    numbers: tuple[float | None, ...]


@dataclass(frozen=True)
class Scenario:
    """One scenario: what it measured, what its operations cost, the costliest service first."""

    measured: Measured
    costs: tuple[Cost, ...]


def gather(found: Iterable[Measured]) -> tuple[Scenario, ...]:
    """Return the scenarios in their order."""
    return tuple(Scenario(one, _costs(one)) for one in found)


def chart(scenarios: Sequence[Scenario], started: str) -> Chart:
    """Return the median seconds of each scenario over the seconds since the run started."""
    if not started:
        return Chart()
    start = datetime.fromisoformat(started)
    points = {one.measured.name: dict(_iter_points(one.measured, start)) for one in scenarios}
    times = tuple(sorted({time for found in points.values() for time in found}))
    if len(times) < 2:
        return Chart()
    series = (
        Series(name, tuple(found.get(time) for time in times)) for name, found in points.items()
    )
    return Chart(times, tuple(one for one in series if any(one.values)))


def _iter_points(one: Measured, start: datetime) -> Iterator[tuple[float, float]]:
    before = (one.at - start).total_seconds()
    for second, _, _, median in one.series:
        if median is not None:
            yield before + second, median


def _costs(one: Measured) -> tuple[Cost, ...]:
    services = sorted({service for service, _ in one.cost})
    costs = [Cost(service, tuple(_numbers(one, service))) for service in services]
    used = [cost for cost in costs if any(cost.numbers)]
    return tuple(sorted(used, key=lambda cost: (-(cost.numbers[0] or 0.0), cost.service)))


def _numbers(one: Measured, service: str) -> Sequence[float | None]:
    found = ((one.cost.get((service, name)), scale) for name, scale, _ in RESOURCES)
    return [None if value is None else value * scale for value, scale in found]
