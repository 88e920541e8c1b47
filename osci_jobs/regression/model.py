# SPDX-License-Identifier: Apache-2.0
"""What a comparison takes and what it gives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

DIRECTIONS = ("lower", "higher", "neither")
KINDS = ("time", "counter", "size", "share", "growth")
WORSE, BETTER, CANNOT_TELL = "worse", "better", "cannot tell"


@dataclass(frozen=True)
class Paired:
    """A metric's values on both sides: what stands at one place was measured in one pair.

    A value that is missing is None. A change of less than `floor`, in the metric's unit, is
    of no interest to anybody. `reason`, where there is one, says why the values are not to
    be believed.
    """

    name: str
    unit: str
    direction: str  # which is better: lower, higher or neither
    # time, counter, size, share; growth is a size that may be zero or less, so its sides are
    # held against each other by their difference, not their ratio.
    kind: str
    floor: float = 0.0
    before: tuple[float | None, ...] = ()
    after: tuple[float | None, ...] = ()
    reason: str = ""
    family: str = ""  # metrics of one family vary alike; those without one, those of a kind


@dataclass(frozen=True)
class History:
    """The log-ratios of earlier pairs of trunk and trunk, by metric, the newest last."""

    ratios: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What came of one metric. Changes are relative: 0.2 is 20 % more than before; where the
    metric `is_difference` they are in its unit.

    `effect` lies between `low` and `high` with 95 % confidence; `smallest` is the least
    change that would have been seen four times in five. `before` and `after` are medians
    in the metric's unit. What is not known is None; `reason` says why an answer is that
    nobody can tell. A metric of which neither direction is better may have changed, and
    is neither worse nor better.
    """

    name: str
    answer: str  # worse, better, cannot tell
    is_changed: bool = False
    is_difference: bool = False
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    smallest: float | None = None
    before: float | None = None
    after: float | None = None
    pairs: int = 0  # that have a value on both sides
    how: str = ""  # exact, history, moderated t, paired t; nothing when it was not tested
    p: float | None = None
    q: float | None = None  # p, allowing for the number of metrics
    reason: str = ""


@dataclass(frozen=True)
class Together:
    """How far most times moved together, beyond which each of them is judged.

    `moved` of `tested` times went at least half as far. When it `is_real`, either the
    machine or something that all operations go through has changed; else it is drift.
    """

    effect: float
    low: float | None
    high: float | None
    moved: int
    tested: int
    is_real: bool


@dataclass(frozen=True)
class Comparison:
    """The outcome, in the order of the metrics.

    Of what is indicative, nothing is worse or better: the sides were not measured in turns.
    """

    findings: tuple[Finding, ...]
    tested: int
    together: Together | None
    is_indicative: bool


def gather(
    declared: Iterable[Paired],
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]],
) -> tuple[Paired, ...]:
    """Return the metrics with the values of each run; a row is what one run measured.

    What a row lacks is missing, so the sides need not have the same metrics.
    """
    return tuple(
        replace(
            metric,
            before=tuple(row.get(metric.name) for row in before),
            after=tuple(row.get(metric.name) for row in after),
        )
        for metric in declared
    )
