# SPDX-License-Identifier: Apache-2.0
"""What scenarios of load measured, as a report shows it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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


def iter_uncounted(scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Yield a sentence for each reason why costs lack something, and in which scenarios."""
    named: dict[str, list[str]] = {}
    for one in scenarios:
        for reason in one.measured.uncounted:
            named.setdefault(reason, []).append(one.measured.name)
    for reason, names in named.items():
        yield f"Not counted in {', '.join(names)}: {reason.rstrip('.')}."


@dataclass(frozen=True)
class Line:
    """The median seconds of a scenario over its seconds."""

    name: str
    points: tuple[tuple[float, float], ...]


def lines(scenarios: Iterable[Scenario]) -> list[Line]:
    """Return a line for each scenario, the slowest first; seconds without a median are left out."""
    found = [Line(one.measured.name, tuple(_iter_points(one.measured))) for one in scenarios]
    return sorted(found, key=lambda line: (-_highest(line), line.name))


def _iter_points(one: Measured) -> Iterator[tuple[float, float]]:
    for second, _, _, median in one.series:
        if median is not None:
            yield second, median


def _highest(line: Line) -> float:
    return max((value for _, value in line.points), default=0.0)


def _costs(one: Measured) -> tuple[Cost, ...]:
    services = sorted({service for service, _ in one.cost})
    costs = [Cost(service, tuple(_numbers(one, service))) for service in services]
    used = [cost for cost in costs if any(cost.numbers)]
    return tuple(sorted(used, key=lambda cost: (-(cost.numbers[0] or 0.0), cost.service)))


def _numbers(one: Measured, service: str) -> Sequence[float | None]:
    found = ((one.cost.get((service, name)), scale) for name, scale, _ in RESOURCES)
    return [None if value is None else value * scale for value, scale in found]
