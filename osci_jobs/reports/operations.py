# SPDX-License-Identifier: Apache-2.0
"""How long each API operation took: median and spread."""

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from osci_jobs.results.samples import Sample


@dataclass(frozen=True)
class Operation:
    """The calls of one API operation; its seconds are of those that were answered well."""

    name: str
    calls: int
    failed: int
    least: float
    low: float  # the first quartile
    median: float
    high: float  # the third quartile
    most: float


def gather(samples: Iterable[Sample]) -> tuple[Operation, ...]:
    """Return the operations that were answered well at least once, the slowest first."""
    seconds: dict[str, list[float]] = {}
    calls: Counter[str] = Counter()
    for sample in samples:
        calls[sample.operation] += 1
        if sample.is_good:
            seconds.setdefault(sample.operation, []).append(sample.seconds)
    found = [_operation(name, times, calls[name]) for name, times in seconds.items()]
    return tuple(sorted(found, key=lambda operation: (-operation.median, operation.name)))


def _operation(name: str, seconds: list[float], calls: int) -> Operation:
    low, median, high = (
        statistics.quantiles(seconds, method="inclusive") if len(seconds) > 1 else seconds * 3
    )
    return Operation(
        name, calls, calls - len(seconds), min(seconds), low, median, high, max(seconds)
    )
