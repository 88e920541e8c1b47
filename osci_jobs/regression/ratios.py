# SPDX-License-Identifier: Apache-2.0
"""From the pairs of a metric to their log-ratios, or to the reason why there are none.

Of what may be zero or less (kind `growth`), differences take the place of log-ratios.
"""

import math
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median

from osci_jobs.regression.model import Paired

# What is added to both sides of a counter that was 0 somewhere: half of the least that it
# can be else (Cox, in Tukey: Exploratory Data Analysis, 1977, as a "started" logarithm).
START = 0.5
SMALL_COUNT = 10.0


@dataclass(frozen=True)
class Ratios:
    """The log-ratio of each pair, None where a side has no number.

    `least_variance` is the variance that they have at the least, whatever they look like.
    """

    values: tuple[float | None, ...]
    before: tuple[float, ...]  # of the pairs that are whole
    after: tuple[float, ...]
    is_left_out: bool  # whether the second side alone has no number somewhere
    least_variance: float = 0.0
    reason: str = ""

    @property
    def levels(self) -> tuple[float | None, float | None]:
        """The medians of both sides."""
        return (median(self.before), median(self.after)) if self.before else (None, None)


def of(metric: Paired) -> Ratios:
    """Return the log-ratios of a metric; `reason` says why they are not to be worked with."""
    sides = [
        (_number(before), _number(after))
        for before, after in zip_longest(metric.before, metric.after)
    ]
    whole = [(before, after) for before, after in sides if before is not None and after is not None]
    numbers = tuple(before for before, _ in whole), tuple(after for _, after in whole)
    is_left_out = any(before is not None and after is None for before, after in sides)
    reason = metric.reason or _reason(metric, whole)
    if reason:
        return Ratios((), *numbers, is_left_out, reason=reason)
    if metric.kind == "growth":
        differences = tuple(
            None if before is None or after is None else after - before for before, after in sides
        )
        return Ratios(differences, *numbers, is_left_out)
    start = START if any(0.0 in pair for pair in whole) else 0.0
    values = tuple(
        None if before is None or after is None else log_ratio(before, after, start)
        for before, after in sides
    )
    return Ratios(values, *numbers, is_left_out, _least_variance(metric, whole))


def log_ratio(before: float, after: float, start: float = 0.0) -> float:
    """Return the log-ratio of a pair; the logarithms' difference has no overflow."""
    return math.log(after + start) - math.log(before + start) if before != after else 0.0


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _reason(metric: Paired, whole: list[tuple[float, float]]) -> str:
    if not whole:
        return _why_none(metric)
    if metric.floor and all(abs(value) < metric.floor for pair in whole for value in pair):
        return "it is below what anybody cares about on both sides"
    if metric.kind == "growth":
        return ""
    if any(value < 0 for pair in whole for value in pair):
        return "it has values below zero"
    if metric.kind != "counter" and any(0.0 in pair for pair in whole):
        return "a value of zero has no ratio"
    return ""


def _why_none(metric: Paired) -> str:
    for side, values in (("first", metric.before), ("second", metric.after)):
        if all(value is None or _number(value) is None for value in values):
            return f"the {side} side has no number"
    return "no pair has a number on both sides"


def _least_variance(metric: Paired, whole: list[tuple[float, float]]) -> float:
    """Return Poisson's variance of the log-ratio of small counts, by the delta method.

    A few small counts repeat themselves often by chance.
    """
    smallest = min(min(pair) for pair in whole)
    if metric.kind != "counter" or smallest >= SMALL_COUNT:
        return 0.0
    return sum(1 / (before + START) + 1 / (after + START) for before, after in whole) / len(whole)
