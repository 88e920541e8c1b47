# SPDX-License-Identifier: Apache-2.0
"""What got worse or better, scenario by scenario: the change itself, and what moved with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from osci_jobs.regression.document import Document
from osci_jobs.regression.model import BETTER, WORSE, Finding, Paired
from osci_jobs.reports.amounts import amount
from osci_jobs.reports.changes import sentence

# Which change of a scenario stands for the others: what users see comes before what it costs.
_ORDER = (
    *("errors", "p50", "p95"),
    *("memory", "statements", "cpu", "rows", "messages", "calls", "log"),
)
_TITLES = {"p50": "half of the operations within", "p95": "95 % of the operations within"}
_RESOURCES = {"cpu": "CPU", "log": "lines of log", "calls": "calls of others"}
_MILLI = 1000.0
_BAR = 48


@dataclass(frozen=True)
class Bar:
    """One pair of a small plot: its values as people write them, and as heights up to 48."""

    before: str
    after: str
    before_height: int
    after_height: int


@dataclass(frozen=True)
class Effect:
    """A change of a scenario: `phrase` is for a subject, `sentence` has the numbers.

    `moved` are the other changes of the same scenario, `bars` its pairs in their order.
    """

    name: str
    answer: str  # worse or better
    scenario: str
    title: str
    phrase: str
    sentence: str
    moved: tuple[str, ...]
    unit: str
    bars: tuple[Bar, ...]
    weight: tuple[int, float]


def gather(found: Document, pairs: Iterable[Paired]) -> tuple[Effect, ...]:
    """Return the changes, one for each scenario and answer, the largest first."""
    by_name = {one.name: one for one in pairs}
    changed: dict[str, list[Finding]] = {}
    for one in found.comparison.findings:
        if one.is_changed:
            changed.setdefault(one.name.partition(".")[0], []).append(one)
    effects = [
        _effect(of_one, others, found.units, by_name)
        for others in changed.values()
        for answer in (WORSE, BETTER)
        if (of_one := _first([one for one in others if one.answer == answer]))
    ]
    return tuple(sorted(effects, key=lambda one: one.weight))


def label(name: str) -> str:
    """Return what people call a metric within its scenario."""
    owner, _, what = name.partition(".")[2].rpartition(".")
    if not owner:
        return _TITLES.get(what, what)
    return f"{owner} {_RESOURCES.get(what, what)}"


def titled(scenario: str) -> str:
    """Return what people call a scenario."""
    return scenario.replace("-", " ")


def phrase(one: Finding) -> str:
    """Return a change in a few words: 'server list 34 ms (+18 %) slower'."""
    scenario, _, rest = one.name.partition(".")
    title, (owner, _, what) = titled(scenario), rest.rpartition(".")
    before, after, effect = one.before or 0.0, one.after or 0.0, one.effect
    if rest == "errors":
        often = "more" if after > before else "less"
        return f"{title} fails {often} often ({amount(before)} to {amount(after)} times)"
    if one.is_difference and effect is not None:
        signed = f"{'+' if effect > 0 else ''}{amount(effect)}"
        return f"{owner} {what} {signed} KiB an operation of {title}"
    if effect is None:
        return f"{label(one.name)} {amount(before)} to {amount(after)} in {title}"
    if owner:
        higher = "higher" if effect > 0 else "lower"
        return f"{label(one.name)} {_percent(abs(effect))} {higher} in {title}"
    part = "" if what == "p50" else f" {what}"
    slower = "slower" if effect > 0 else "faster"
    sign = "+" if effect > 0 else "-"
    changed = f"{_milliseconds(abs(effect) * before)} ({sign}{_percent(abs(effect))})"
    return f"{title}{part} {changed} {slower}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _milliseconds(seconds: float) -> str:
    return f"{amount(_MILLI * seconds)} ms"


def _first(findings: Sequence[Finding]) -> Finding | None:
    """Return the change that stands for those of one scenario, None for none."""
    return min(findings, key=_rank, default=None)


def _rank(one: Finding) -> tuple[int, float]:
    what = one.name.rpartition(".")[2]
    place = _ORDER.index(what) if what in _ORDER else len(_ORDER)
    return place, -abs(one.effect or 0.0)


def _effect(
    one: Finding,
    others: Sequence[Finding],
    units: Mapping[str, str],
    pairs: Mapping[str, Paired],
) -> Effect:
    moved = sorted((other for other in others if other is not one), key=_rank)
    scenario = one.name.partition(".")[0]
    unit, bars = _bars(pairs.get(one.name), units[one.name])
    return Effect(
        name=one.name,
        answer=one.answer,
        scenario=titled(scenario),
        title=label(one.name),
        phrase=phrase(one),
        sentence=sentence(one, units[one.name]),
        moved=tuple(f"{label(other.name)} {sentence(other, units[other.name])}" for other in moved),
        unit=unit,
        bars=bars,
        weight=_weight(one),
    )


def _weight(one: Finding) -> tuple[int, float]:
    """Return where a change stands among others: errors, then times, then costs, by size."""
    what = one.name.partition(".")[2]
    place = ("errors", "p50", "p95").index(what) if what in ("errors", "p50", "p95") else 3
    return min(place, 3), -abs(one.effect or 0.0) if not one.is_difference else 0.0


def _bars(paired: Paired | None, unit: str) -> tuple[str, tuple[Bar, ...]]:
    """Return the pairs as bars from zero, with their unit; what is below zero has no height."""
    if paired is None:
        return unit, ()
    factor, unit = (_MILLI, "ms") if unit == "seconds" else (1.0, unit)
    whole = [
        (factor * before, factor * after)
        for before, after in zip(paired.before, paired.after, strict=True)
        if before is not None and after is not None
    ]
    most = max((value for pair in whole for value in pair), default=0.0)

    def height(value: float) -> int:
        return max(round(_BAR * value / most), 1) if most > 0 else 1

    return unit, tuple(
        Bar(amount(before), amount(after), height(before), height(after)) for before, after in whole
    )
