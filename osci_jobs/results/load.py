# SPDX-License-Identifier: Apache-2.0
"""What scenarios of load measured, read from the `stress.json` that a stranger wrote."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osci_jobs.results import files
from osci_jobs.results.escape import clip, visible_line

FILE = "stress.json"
FILE_BYTES = 64 << 20
SCENARIOS = 1000
NAME_CHARACTERS = 200
ROWS = 10_000
UNCOUNTED = 8
_HIGHEST = 1e15
_KIB = 1024
PERCENTILES = ("p50", "p90", "p95", "p99", "p99.9")


@dataclass(frozen=True)
class Measured:
    """What one scenario measured.

    `operations` were to start while it was measured, `finished` went well, be it before.
    `throughput` is of those that went well, a second. `latency` and `lag` (of the
    generator) are seconds by percentile, with `max` and `mean`; empty when nothing went
    well. `errors` are numbers by kind. `series` has, for each second, the second, how many
    went well and did not, and the median seconds of those that did or None. `cost` is
    what one operation cost by (service, resource), without what the idle cloud uses.
    """

    name: str
    operations: int
    finished: int
    throughput: float
    errors: Mapping[str, int]
    latency: Mapping[str, float]
    lag: Mapping[str, float]
    is_late: bool  # the generator, not the cloud, was the limit
    steps: Mapping[str, float]  # median seconds
    series: tuple[tuple[float, int, int, float | None], ...]
    cost: Mapping[tuple[str, str], float]
    uncounted: tuple[str, ...] = ()  # what costs lack, and why

    @property
    def error_share(self) -> float:
        """The share of operations that went wrong, from 0 to 1."""
        return sum(self.errors.values()) / self.operations if self.operations else 0.0


def read(path: Path) -> tuple[Measured, ...]:
    """Return what the file at `path` tells; nothing where there is none, or none that can be read.

    A scenario that is not as it should be is left out, for half a number is none.
    """
    try:
        content, is_cut = files.read_capped(path, FILE_BYTES)
        document = {} if is_cut else json.loads(content)
        found = document["scenarios"][:SCENARIOS]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return ()
    return tuple(one for one in map(parse, found) if one)


def numbers(one: Measured) -> Iterator[tuple[str, float]]:
    """Yield the metrics of one scenario by the names of their columns (docs/results.md)."""
    yield f"{one.name}.rate", one.throughput
    yield f"{one.name}.errors", one.error_share
    for percentile, seconds in one.latency.items():
        yield f"{one.name}.{percentile}", seconds
    sums: dict[str, float] = {}
    for (service, resource), used in one.cost.items():
        number = used / _KIB if resource == "memory" else used
        sums[resource] = sums.get(resource, 0.0) + number
        yield f"{one.name}.{service}.{resource}", number
    for resource, number in sums.items():
        yield f"{one.name}.{resource}", number


def parse(fields: Any) -> Measured | None:
    """Return what one scenario measured; None where that is not as it should be."""
    try:
        return Measured(
            name=_name(fields["name"]),
            operations=_count(fields["operations"]),
            finished=_count(fields["finished"]),
            throughput=_number(fields["throughput"]),
            errors={_name(key): _count(one) for key, one in _items(fields["errors"])},
            latency=_numbers(fields["latency"]),
            lag=_numbers(fields["lag"]),
            is_late=fields["is_late"] is True,
            steps=_numbers(fields["steps"]),
            series=tuple(map(_point, fields["series"][:ROWS])),
            cost={
                (_name(service), _name(resource)): _number(used)
                for service, resource, used in fields["cost"][:ROWS]
            },
            uncounted=tuple(map(_name, fields.get("uncounted", [])[:UNCOUNTED])),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if not isinstance(value, dict) or len(value) > ROWS:
        raise ValueError
    return value.items()


def _numbers(value: Any) -> dict[str, float]:
    return {_name(key): _number(one) for key, one in _items(value)}


def _point(row: Any) -> tuple[float, int, int, float | None]:
    second, good, bad, median = row
    return _number(second), _count(good), _count(bad), None if median is None else _number(median)


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return clip(visible_line(value), NAME_CHARACTERS)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > _HIGHEST:
        raise ValueError
    return float(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _HIGHEST:
        raise ValueError
    return value
