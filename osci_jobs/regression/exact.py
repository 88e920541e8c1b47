# SPDX-License-Identifier: Apache-2.0
"""Values that repeat themselves on each side are compared as they are.

A counter that hardly varies shows in one pair what a time needs ten for. What could make its
sides differ by chance is told in two ways, of which the more likely one counts:

* It has another value now and then. If that has the probability r, then

      f(r) = 2 (r (1 - r))^n (r^2 + (1 - r)^2)^h

  is how likely n pairs are to have one value on this side and another on that, after h pairs
  of trunk and trunk without a difference. How many counters are like that, and how large r
  is, the other counters of the report tell: f is added up over those that were seen to vary,
  and for one more at its largest, and divided by the number of all.
* It is small, and repeats itself as small numbers do: what a Poisson count of the mean of
  both sides has as a probability of exactly these values in all pairs and the earlier ones.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from osci_jobs.regression.model import Paired
from osci_jobs.regression.ratios import Ratios

KINDS = ("counter", "size", "share")  # a clock's resolution makes times look steady
_MOST_JUMPS = 0.1  # of all values; what has another one more often is noisy
_RATES = tuple(n / 1000 for n in range(1, 501))


@dataclass(frozen=True)
class Evidence:
    """A metric's values, and the log-ratios of its earlier pairs of trunk and trunk."""

    metric: Paired
    ratios: Ratios
    earlier: tuple[float, ...]

    @property
    def pairs(self) -> int:
        """How many pairs have a value on both sides."""
        return len(self.ratios.before)

    @property
    def jumps(self) -> int:
        """How many values are not their side's usual one, and earlier pairs are not alike."""
        moved = len(self.earlier) - _alike(self)
        return _unusual(self.ratios.before) + _unusual(self.ratios.after) + moved

    @property
    def seen(self) -> int:
        """How many values could have been one of those; a pair is alike when none of its two is."""
        return 2 * (self.pairs - 1) + 2 * len(self.earlier)

    @property
    def jump_rate(self) -> float:
        """The share of those; 0 where none was seen, nor anything else."""
        return self.jumps / self.seen if self.seen else 0.0

    @property
    def is_steady(self) -> bool:
        """Whether it is to be compared by this rule: each side has one value only."""
        return (
            self.metric.kind in KINDS
            and len(set(self.ratios.before)) == len(set(self.ratios.after)) == 1
            and self.jump_rate <= _MOST_JUMPS
        )


def jump_rates(metrics: Iterable[Evidence]) -> tuple[float, ...]:
    """Return how often each metric jumps, of those of a report that could be steady.

    One of which nothing was seen may do so as often as not.
    """
    return tuple(
        min(one.jump_rate, 0.5) if one.seen else 0.5 for one in metrics if one.metric.kind in KINDS
    )


def chance(one: Evidence, rates: tuple[float, ...]) -> float:
    """Return the probability that the sides of a steady metric differ by chance alone.

    `rates` are the jump rates of all metrics of the report, its own among them.
    """
    if one.ratios.before[0] == one.ratios.after[0]:
        return 1.0
    # What was seen to jump does so again.
    own = 2 * one.jump_rate**one.pairs if one.jumps else 0.0
    poisson = _poisson(one) if one.metric.kind == "counter" else 0.0
    return min(max(own, poisson, least_chance(one, rates)), 1.0)


def least_chance(one: Evidence, rates: tuple[float, ...]) -> float:
    """Return what `chance` is at the least when the sides differ, whatever the values are."""
    return _jumped(one.pairs, _alike(one), rates)


@lru_cache
def _jumped(pairs: int, alike: int, rates: tuple[float, ...]) -> float:
    def probability(rate: float) -> float:
        both = rate * (1 - rate)
        return 2 * both**pairs * (1 - 2 * both) ** alike

    return (max(map(probability, _RATES)) + sum(map(probability, rates))) / (len(rates) + 1)


def _poisson(one: Evidence) -> float:
    before, after = one.ratios.before[0], one.ratios.after[0]
    mean = (before + after) / 2
    return math.exp(
        (one.pairs + 2 * _alike(one)) * _log_probability(before, mean)
        + one.pairs * _log_probability(after, mean)
    )


def _log_probability(count: float, mean: float) -> float:
    return count * math.log(mean) - mean - math.lgamma(count + 1)


def _unusual(values: Sequence[float]) -> int:
    return len(values) - max(Counter(values).values())


def _alike(one: Evidence) -> int:
    return sum(ratio == 0 for ratio in one.earlier)
