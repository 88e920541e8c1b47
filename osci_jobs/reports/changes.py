# SPDX-License-Identifier: Apache-2.0
"""What a comparison found, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from osci_jobs.regression.document import Document
from osci_jobs.regression.model import BETTER, WORSE, Finding
from osci_jobs.reports.amounts import amount, number

_MILLI = 1000.0


@dataclass(frozen=True)
class Changes:
    """A comparison for its readers: sentences of what got worse and better, and the rest.

    `notes` say what else is to be known: what moved together, a noisy machine, how much
    could not be told.
    """

    worse: tuple[str, ...]
    better: tuple[str, ...]
    other: tuple[str, ...]  # changed, and neither direction is better
    notes: tuple[str, ...]


def gather(found: Document) -> Changes:
    """Return what is told of a comparison; the largest changes first."""

    def told(findings: Iterator[Finding]) -> tuple[str, ...]:
        ordered = sorted(findings, key=lambda one: -abs(one.effect or 0.0))
        return tuple(f"{one.name}: {sentence(one, found.units[one.name])}" for one in ordered)

    findings = found.comparison.findings
    return Changes(
        worse=told(one for one in findings if one.answer == WORSE),
        better=told(one for one in findings if one.answer == BETTER),
        other=told(one for one in findings if one.is_changed and one.answer not in (WORSE, BETTER)),
        notes=(*_iter_sides(found), *iter_notes(found), *_iter_seen(found)),
    )


def sentence(one: Finding, unit: str) -> str:
    """Write a change: '34 to 40.2 ms, +18 % (between +15 % and +21 %)'."""
    before, after = one.before or 0.0, one.after or 0.0
    if unit == "seconds":
        before, after, unit = _MILLI * before, _MILLI * after, "ms"
    sides = f"{amount(before)} to {amount(after)} {unit}"
    if one.effect is None:
        return sides
    if one.is_difference:
        changed = _signed(one.effect), _signed(one.low), _signed(one.high)
        return f"{sides}, {changed[0]} (between {changed[1]} and {changed[2]})"
    if one.low == one.high:
        return f"{sides}, {_percent(one.effect)}"
    return f"{sides}, {_percent(one.effect)} (between {_percent(one.low)} and {_percent(one.high)})"


def _iter_sides(found: Document) -> Iterator[str]:
    for project, before, after in found.plan.get("sources") or ():
        yield f"{project}: {before or 'none'} before, {after or 'none'} after."
    if found.plan.get("is_null"):
        yield "Both sides are the same code."


def iter_notes(found: Document) -> Iterator[str]:
    """Yield what is to be known of how it was measured."""
    together = found.comparison.together
    if together and together.is_real:
        yield (
            f"Most times moved together, by {_percent(together.effect)} "
            f"({together.moved} of {together.tested}): it is the machine, or something that all "
            "operations go through. Each time is judged beyond that."
        )
    noisy = found.plan.get("noisy") or ()
    if noisy:
        which = ", ".join(str(one + 1) for one in noisy)
        yield f"The machine did something else meanwhile, in pair {which}."
    yield from _iter_failing(found)
    for reason in found.plan.get("uncounted") or ():
        yield f"Not counted everywhere: {str(reason).rstrip('.')}."
    tested = number(len(_tested(found)), "metric")
    yield f"{tested} tested, {_pairs(found)}, seed {found.plan.get('seed', '?')}."


def _pairs(found: Document) -> str:
    done, asked = (int(found.plan.get(name, 0)) for name in ("pairs", "asked"))
    if done < asked:
        return f"{done} of {number(asked, 'pair')} (then the time was over)"
    return number(done, "pair")


def _iter_seen(found: Document) -> Iterator[str]:
    tested = _tested(found)
    seen = [one.smallest for one in tested if one.smallest is not None and not one.is_difference]
    if seen:
        yield f"Of half of them, a change of {_percent(median(seen))} would have been seen."


def _tested(found: Document) -> list[Finding]:
    return [one for one in found.comparison.findings if one.p is not None]


def _iter_failing(found: Document) -> Iterator[str]:
    """Yield a sentence for each scenario of which too many operations failed."""
    told = dict.fromkeys(
        (one.name.partition(".")[0], one.reason)
        for one in found.comparison.findings
        if "operations failed" in one.reason
    )
    for scenario, reason in told:
        yield f"{scenario} cannot be compared: {reason}."


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:+.3g} %"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{'+' if value > 0 else ''}{amount(value)}"
