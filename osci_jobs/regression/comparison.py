# SPDX-License-Identifier: Apache-2.0
"""The comparison of two sides: which metrics got worse, and how sure that is.

Each metric goes one of these ways (`Finding.how`):

* `exact`: it repeats itself on each side, and is compared as it is (`regression.exact`).
* `history`: enough earlier pairs of trunk and trunk say how it varies.
* `moderated t`: its variance is shared with the other metrics of its kind.
* `paired t`: there are too few of its kind for that.

All but the first work on log-ratios of pairs, so that each value is held against what was
measured beside it, and take off from times what most times did in that pair. What is worse
is so in mean and in median, by LEAST (or what stands for it) and by the metric's floor, and by
more than chance at a false discovery rate of LEVEL, among all that vary or all that are exact.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from osci_jobs.regression import exact, noise, ratios, statistics
from osci_jobs.regression.exact import Evidence
from osci_jobs.regression.model import (
    BETTER,
    CANNOT_TELL,
    WORSE,
    Comparison,
    Finding,
    History,
    Paired,
    Together,
)
from osci_jobs.regression.noise import Common, Judged

LEVEL = 0.04  # below the 5 % that may be false of what is reported: metrics hang together
LEAST = 0.05  # the least relative change that is reported of what varies
LEAST_COUNT = 0.01  # of counters, which are what the code does and not how fast
# Of growth, against the lesser side. Where a heap has room left depends on what ran before and
# how fast, which stays with a group: its pairs are not independent of each other.
LEAST_GROWTH = 1.0
_LARGEST_RATIO = 700.0  # a logarithm; more than that is no number of a computer's
_DOUBT = 0.05  # of an interval of 95 %
_POWER = 0.84  # the quantile of the normal distribution that four of five are below


def compare(
    metrics: Sequence[Paired],
    is_interleaved: bool,
    history: History | None = None,
    looks: int = 1,
) -> Comparison:
    """Return what came of each metric; a pure function of its arguments.

    `looks` is how often at most the metrics are compared while pairs are added, this time
    included: LEVEL is divided among them (Bonferroni), so whoever stops at the first answer
    errs no more often. Bad values give an answer or `cannot tell`, never an exception.
    """
    earlier = history.ratios if history else {}
    given = [Evidence(one, ratios.of(one), tuple(earlier.get(one.name, ()))) for one in metrics]
    usable = [one for one in given if not one.ratios.reason]
    steady = [one for one in usable if one.is_steady]
    varied = [one for one in usable if not one.is_steady]
    common, judged = noise.judge(varied)
    together = _together(common, LEVEL / looks)
    # By identity, for metrics may have the same name.
    found = {
        **_compare_steady(steady, exact.jump_rates(usable), LEVEL / looks),
        **_compare_varied(varied, judged, together, LEVEL / looks),
    }
    findings = tuple(found.get(id(one)) or _untested(one, one.ratios.reason) for one in given)
    tested = sum(one.p is not None for one in findings)
    if not is_interleaved:
        findings = tuple(map(_indicative, findings))
    return Comparison(findings, tested, together, not is_interleaved)


def undecided(comparison: Comparison, least: float) -> tuple[str, ...]:
    """Return the metrics of which more pairs may tell whether they changed by `least`.

    That is a share, so there are none among those that are held against each other otherwise.
    """
    return tuple(
        one.name
        for one in comparison.findings
        if one.smallest is not None
        and not (one.is_changed or one.is_difference)
        and one.smallest > least
    )


def _compare_steady(
    metrics: Sequence[Evidence], rates: tuple[float, ...], level: float
) -> dict[int, Finding]:
    chances = [exact.chance(one, rates) for one in metrics]
    found = {}
    for one, p, q in zip(metrics, chances, statistics.adjusted(chances), strict=True):
        finding = replace(_exact_finding(one, rates, level), p=p, q=q)
        is_large = abs(one.ratios.after[0] - one.ratios.before[0]) >= _least_change(one)
        found[id(one)] = _answered(one, finding, q <= level and is_large)
    return found


def _exact_finding(one: Evidence, rates: tuple[float, ...], level: float) -> Finding:
    could_be_seen = exact.least_chance(one, rates) <= level
    finding = _untested(one, "" if could_be_seen else "so few pairs are alike by chance")
    before, after = one.ratios.before[0], one.ratios.after[0]
    effect = (after - before) / before if before else None
    least = _least_change(one) / before if before and could_be_seen else None
    return replace(finding, how="exact", effect=effect, low=effect, high=effect, smallest=least)


def _least_change(one: Evidence) -> float:
    """Return the least change that is reported of what is exact, in the metric's unit."""
    least = 0.0 if one.metric.kind == "counter" else LEAST * one.ratios.before[0]
    return max(one.metric.floor, least)


def _compare_varied(
    metrics: Sequence[Evidence],
    judged: Sequence[Judged | None],
    together: Together | None,
    level: float,
) -> dict[int, Finding]:
    tested = [(one, seen) for one, seen in zip(metrics, judged, strict=True) if seen]
    found = {id(one): _untested(one, _why_untested(one)) for one in metrics}
    if not tested:
        return found
    has_moved = together is not None and together.is_real
    chances = [_chance(seen, has_moved) for _, seen in tested]
    rates = statistics.adjusted(chances)
    bar = level * max(sum(q <= level for q in rates), 1) / len(tested)
    for (one, seen), p, q in zip(tested, chances, rates, strict=True):
        finding = replace(_varied_finding(one, seen, bar), p=p, q=q)
        found[id(one)] = _answered(one, finding, q <= level and _is_large(one, seen, has_moved))
    return found


def _chance(seen: Judged, has_moved: bool) -> float:
    """Return the probability by chance of a metric's change.

    Where most times moved, both that it moved and that it did so unlike the others have to
    be unlikely (Berger's intersection-union test, 1982): what stayed where it was, while most
    got worse, did not get better.
    """
    if not has_moved:
        return seen.p
    return max(seen.p, seen.raw_p) if seen.raw * seen.mean > 0 else 1.0


def _varied_finding(one: Evidence, seen: Judged, bar: float) -> Finding:
    finding = _untested(one, "")
    half = seen.critical(_DOUBT) * seen.error
    least = (seen.critical(bar) + _POWER) * seen.error
    if finding.is_difference:
        return replace(
            finding,
            how=seen.how,
            effect=seen.mean,
            low=seen.mean - half,
            high=seen.mean + half,
            smallest=max(least, _least_growth(one)),
        )
    smallest = _relative(least)
    if not finding.before:
        return replace(finding, how=seen.how)
    return replace(
        finding,
        how=seen.how,
        effect=_relative(seen.mean),
        low=_relative(seen.mean - half),
        high=_relative(seen.mean + half),
        smallest=max(smallest, _least(one), one.metric.floor / finding.before),
    )


def _answered(one: Evidence, finding: Finding, is_changed: bool) -> Finding:
    """Return the finding with its answer, where the metric is known to have changed."""
    before, after = finding.before or 0.0, finding.after or 0.0
    change = _change(finding, before, after)
    if not is_changed or not change:
        return finding
    if abs(change) < one.metric.floor:
        return replace(finding, reason="it changed by less than its floor")
    if one.metric.direction not in ("lower", "higher"):
        return replace(finding, is_changed=True, reason="neither direction is better")
    if (change > 0) == (one.metric.direction == "lower"):
        return replace(finding, is_changed=True, answer=WORSE)
    if one.ratios.is_left_out:
        # What failed may be what took long.
        return replace(finding, reason="the second side has no value in some pairs")
    return replace(finding, is_changed=True, answer=BETTER)


def _change(finding: Finding, before: float, after: float) -> float:
    if finding.effect is None:
        return after - before
    return finding.effect if finding.is_difference else finding.effect * before


def _is_large(one: Evidence, seen: Judged, has_moved: bool) -> bool:
    sign = 1 if seen.mean > 0 else -1
    least = min(seen.mean * sign, seen.median * sign)
    if one.metric.kind == "growth":
        return least >= _least_growth(one)
    if has_moved:
        least = min(least, seen.raw * sign)
    return least >= math.log1p(_least(one))


def _least_growth(one: Evidence) -> float:
    """Return the least difference that is reported: the floor beyond what there is anyway."""
    lesser = min(abs(level) for level in one.ratios.levels if level is not None)
    return one.metric.floor + LEAST_GROWTH * lesser


def _least(one: Evidence) -> float:
    return LEAST_COUNT if one.metric.kind == "counter" else LEAST


def _untested(one: Evidence, reason: str) -> Finding:
    before, after = one.ratios.levels
    return Finding(
        one.metric.name,
        CANNOT_TELL,
        is_difference=one.metric.kind == "growth",
        before=before,
        after=after,
        pairs=one.pairs,
        reason=reason,
    )


def _why_untested(one: Evidence) -> str:
    if one.pairs == 1:
        return "one pair tells nothing without a history"
    return "nothing says how much it varies"


def _indicative(finding: Finding) -> Finding:
    reason = finding.reason or "the sides were not measured in turns"
    return replace(finding, answer=CANNOT_TELL, is_changed=False, reason=reason)


def _together(common: Common | None, level: float) -> Together | None:
    if common is None:
        return None
    return Together(
        effect=_relative(common.shift),
        low=None if math.isnan(common.half) else _relative(common.shift - common.half),
        high=None if math.isnan(common.half) else _relative(common.shift + common.half),
        moved=common.moved,
        tested=common.tested,
        is_real=common.p <= level
        and abs(common.shift) >= math.log1p(LEAST)
        and 2 * common.moved > common.tested,
    )


def _relative(ratio: float) -> float:
    return math.expm1(min(ratio, _LARGEST_RATIO))
