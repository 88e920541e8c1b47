# SPDX-License-Identifier: Apache-2.0
"""Metrics that vary: what all times did is taken off, what is left is held against chance."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from osci_jobs.regression import statistics
from osci_jobs.regression.exact import Evidence
from osci_jobs.regression.statistics import MANY, Array, Estimate

ENOUGH_HISTORY = 20  # pairs
# How much larger variances may be than in history, for that to tell anything of this day.
MOST_GROWTH = 2.0
_APART = ("growth",)  # differences, which are no ratios


@dataclass(frozen=True)
class Judged:
    """What is known of a metric's log-ratios; `mean` and `median` are beyond what all times did.

    `raw` is the mean with it, `error` the standard error, `p` and `raw_p` the probabilities by
    chance, and `critical` how many errors chance exceeds with a probability.
    """

    how: str
    raw: float
    mean: float
    median: float
    error: float
    p: float
    raw_p: float
    critical: Callable[[float], float]


@dataclass(frozen=True)
class Common:
    """The log-ratio by which most times moved, and in which pair; NaN is what is not known."""

    shift: float
    half: float  # of its 95 % interval
    p: float
    moved: int  # at least half as far
    tested: int


def judge(metrics: Sequence[Evidence]) -> tuple[Common | None, list[Judged | None]]:
    """Return what the times did together, and what is known of each metric.

    Nothing is known of a metric with one pair and without a history, nor of one that never
    varies where no other tells how much it might.
    """
    if not metrics:
        return None, []
    raw = statistics.matrix([one.ratios.values for one in metrics])
    times = _times(metrics)
    shifts = statistics.shifts(raw[times])
    centred = _without(shifts, times, raw)
    judged: list[Judged | None] = [None] * len(metrics)
    for has_history, rows in _iter_groups(metrics):
        estimate = _estimate(has_history, [metrics[row] for row in rows], centred[rows])
        for row, one in zip(rows, _iter_judged(estimate, raw[rows], centred[rows]), strict=True):
            judged[row] = one
    return _common(shifts, raw[times]), judged


def iter_centred(metrics: Sequence[Evidence]) -> Iterator[list[float]]:
    """Yield the log-ratios of each metric, without what most times did together in each pair."""
    raw, times = statistics.matrix([one.ratios.values for one in metrics]), _times(metrics)
    for row in _without(statistics.shifts(raw[times]), times, raw):
        yield [value for value in row.tolist() if not math.isnan(value)]


def _iter_groups(metrics: Sequence[Evidence]) -> Iterator[tuple[bool, list[int]]]:
    """Yield which metrics are judged together, and whether by their history.

    Times vary unlike counters, so each family is a group (`_pools`).
    """
    pools = _pools(metrics)
    groups: dict[tuple[str, int], list[int]] = {}
    for row, one in enumerate(metrics):
        kind = pools[row]
        if len(one.earlier) >= max(ENOUGH_HISTORY, 2 * one.pairs):
            groups.setdefault((kind, one.pairs), []).append(row)
        elif one.pairs > 1:
            groups.setdefault((kind, 0), []).append(row)
    for (_, pairs), rows in groups.items():
        yield pairs > 0, rows


def _pools(metrics: Sequence[Evidence]) -> list[str]:
    """Return of each metric with which others it is judged: its family, else its kind, else most.

    Counters vary by jumps and not like the others, so few of them are judged by themselves.
    """
    families = Counter(one.metric.family for one in metrics if one.metric.family)
    kinds = Counter(one.metric.kind for one in metrics if families[one.metric.family] < MANY)
    most = Counter(one.metric.kind for one in metrics).most_common(1)[0][0]
    found = []
    for one in metrics:
        metric = one.metric
        if families[metric.family] >= MANY:
            found.append(metric.family)
        elif kinds[metric.kind] >= MANY or metric.kind in _APART or metric.family:
            found.append(metric.kind)
        else:
            found.append(most)
    return found


def _times(metrics: Sequence[Evidence]) -> list[int]:
    return [row for row, one in enumerate(metrics) if one.metric.kind == "time"]


def _without(shifts: Array, times: Sequence[int], raw: Array) -> Array:
    centred = raw.copy()
    centred[times] -= shifts
    return centred


def _estimate(has_history: bool, metrics: Sequence[Evidence], ratios: Array) -> Estimate:
    least = statistics.matrix([[one.ratios.least_variance] for one in metrics])[:, 0]
    if not has_history:
        return _moderated(metrics, ratios, least)
    length = min(len(one.earlier) for one in metrics)
    history = statistics.matrix([one.earlier[-length:] for one in metrics])
    found = statistics.against_history(statistics.packed(ratios), least, history)
    is_another_day = found.growth > MOST_GROWTH and metrics[0].pairs > 1
    return _moderated(metrics, ratios, least) if is_another_day else found


def _moderated(metrics: Sequence[Evidence], ratios: Array, least: Array) -> Estimate:
    """Judge by the moderated t; in a family of times, what is small may vary more."""
    if not all(one.metric.family and one.metric.kind == "time" for one in metrics):
        return statistics.moderated(ratios, least)
    scale = statistics.trend(ratios, [one.ratios.levels[0] or 0.0 for one in metrics])
    found = statistics.moderated(ratios / scale[:, None], least / scale**2)
    return replace(found, effect=found.effect * scale, error=found.error * scale)


def _iter_judged(estimate: Estimate, raw: Array, centred: Array) -> Iterator[Judged | None]:
    means, medians = statistics.means(raw), statistics.medians(centred)
    chances = estimate.chance(estimate.effect / estimate.error)
    raw_chances = estimate.chance(means / estimate.error)
    for row, error in enumerate(estimate.error.tolist()):
        yield (
            None
            if math.isnan(error)
            else Judged(
                how=estimate.how,
                raw=float(means[row]),
                mean=float(estimate.effect[row]),
                median=float(medians[row]),
                error=error,
                p=float(chances[row]),
                raw_p=float(raw_chances[row]),
                critical=partial(estimate.critical, row),
            )
        )


def _common(shifts: Array, raw: Array) -> Common | None:
    tested = len(raw)
    if tested < MANY:
        return None
    shift, half, p = statistics.student(shifts)
    sign = 1 if shift > 0 else -1
    moved = int((statistics.means(raw) * sign >= abs(shift) / 2).sum())
    return Common(shift, half, p, moved, tested)
