# SPDX-License-Identifier: Apache-2.0
"""What a change brings, picked and ordered once for all forms of its report."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from osci_jobs.regression import functional
from osci_jobs.regression.document import Document
from osci_jobs.regression.functional import Standing
from osci_jobs.regression.model import BETTER, WORSE, Finding, Paired
from osci_jobs.regression.sides import SIDES, Side, Sides
from osci_jobs.reports import changes, effects
from osci_jobs.reports.amounts import number
from osci_jobs.reports.content import Content, Place
from osci_jobs.reports.effects import Effect
from osci_jobs.results import store
from osci_jobs.results.escape import clip, visible_line

# How many of a kind are shown, and how much of what a case says.
SHOWN = 20
LINES = 12
CHARACTERS = 600
_TITLE_CHARACTERS = 200
_NAMED = 3
_PHRASES = 3  # of one kind in the headline
_HEADLINE_CHARACTERS = 300
# Verdicts of a side whose cloud came up, so that it could be tested.
_TESTED = ("success", "failure", "regression", "empty")
# What a side does not do, by the verdict that it has alone.
_FAULTS = {"deploy": "does not deploy", "source": "does not build or install"}


@dataclass(frozen=True)
class Failure:
    """A case that fails anew: what it says, and whether that was so on a fresh group too."""

    title: str
    lines: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Names:
    """Titles of cases or phrases, and how many more there are."""

    shown: tuple[str, ...]
    left: int


@dataclass(frozen=True)
class Answer:
    """What a change brings; `headline` says it in one line, the rest in sections."""

    headline: str
    cause: Place | None  # of a trouble; what got worse has sections of its own
    failing: tuple[Failure, ...]
    failing_left: int
    worse: tuple[Effect, ...]
    worse_left: int
    better: tuple[Effect, ...]
    better_left: int
    mended: Names
    gone: Names
    not_told: tuple[str, ...]
    not_yours: tuple[str, ...]
    trunk_failing: Names
    flaky: Names
    notes: tuple[str, ...]


def gather(content: Content, found: Sides, pairs: Iterable[Paired], shown: int = SHOWN) -> Answer:
    """Return the answer of a run of two sides; of each kind so many are shown at the most."""
    by_standing: dict[str, list[Standing]] = {}
    for one in found.standings:
        by_standing.setdefault(one.standing, []).append(one)
    all_effects = effects.gather(found.compared, pairs) if found.compared else ()
    worse = tuple(one for one in all_effects if one.answer == WORSE)
    better = tuple(one for one in all_effects if one.answer == BETTER)
    failing = by_standing.get(functional.NEW, [])
    mended = by_standing.get(functional.PASSING, [])
    return Answer(
        headline=_headline(content, found, len(failing), worse, better, len(mended)),
        cause=_cause(content),
        failing=tuple(_failure(one, found) for one in failing[:shown]),
        failing_left=max(len(failing) - shown, 0),
        worse=worse[:shown],
        worse_left=max(len(worse) - shown, 0),
        better=better[:shown],
        better_left=max(len(better) - shown, 0),
        mended=_names(mended, shown),
        gone=_names(by_standing.get(functional.GONE, []), shown),
        not_told=tuple(_iter_not_told(found.compared)) if found.compared else (),
        not_yours=tuple(_iter_not_yours(content, found)),
        trunk_failing=_names(by_standing.get(functional.TRUNK, []), shown),
        flaky=_names(by_standing.get(functional.FLAKY, []), shown),
        notes=tuple(changes.iter_notes(found.compared)) if found.compared else (),
    )


def _headline(
    content: Content,
    found: Sides,
    failing: int,
    worse: Sequence[Effect],
    better: Sequence[Effect],
    mended: int,
) -> str:
    parts = [_trouble(content, found)]
    parts += [f"{failing:,} newly failing"] if failing else []
    parts += _phrases(worse)
    parts += _phrases(better)
    parts += [f"{mended:,} newly passing"] if mended else []
    told = ", ".join(filter(None, parts)) or "nothing got worse or better"
    return clip(visible_line(told), _HEADLINE_CHARACTERS)


def _phrases(found: Sequence[Effect]) -> list[str]:
    left = len(found) - _PHRASES
    told = [one.phrase for one in found[:_PHRASES]]
    return [*told, f"{left} more {found[0].answer}"] if left > 0 else told


def _trouble(content: Content, found: Sides) -> str:
    """Return what kept the run from its end in a few words, "" where it came there."""
    cause = _cause(content)
    if cause is None:
        return ""
    before, after = _fault(found.before), _fault(found.after)
    if before:
        return f"trunk {before}{', the branch does' if _is_up(found.after) else ''}"
    if after:
        return f"the branch {after}{', trunk does' if _is_up(found.before) else ''}"
    return cause.trouble.message


def _cause(content: Content) -> Place | None:
    """Return what kept the run from its end; a case that fails did not."""
    is_trouble = content.cause and content.cause.trouble.phase != store.REGRESSION
    return content.cause if is_trouble else None


def _is_up(side: Side | None) -> bool:
    phases = side.record.phases if side else ()
    return any(phase.name == "deploy" and phase.outcome == "success" for phase in phases)


def _fault(side: Side | None) -> str:
    return _FAULTS.get(side.record.verdict, "") if side else ""


def _failure(one: Standing, found: Sides) -> Failure:
    text = clip(one.case.message or one.case.details or "It says nothing.", CHARACTERS)
    lines = tuple(visible_line(line) for line in text.splitlines() if line.strip())[:LINES]
    if one.is_rerun:
        note = "It failed again on a fresh group."
    elif found.rerun:
        note = "It did not run again on a fresh group, so it may be chance."
    else:
        note = "It was not run again, so it may be chance."
    return Failure(_title(one), lines, note)


def _title(one: Standing) -> str:
    return clip(visible_line(one.title), _TITLE_CHARACTERS)


def _names(found: Sequence[Standing], shown: int) -> Names:
    return Names(tuple(_title(one) for one in found[:shown]), max(len(found) - shown, 0))


def _iter_not_told(found: Document) -> Iterator[str]:
    """Yield what could not be told, and what would have been seen."""
    unchanged = [one for one in found.comparison.findings if not one.is_changed]
    times = [one for one in unchanged if one.name.endswith(".p50") and one.smallest]
    if times:
        told = ", ".join(
            f"{effects.titled(one.name.partition('.')[0])} {_percent(one.smallest)}"
            for one in times
        )
        yield f"Times of which no change was found; what would have been seen: {told}."
    costs = [one for one in unchanged if one.name.count(".") > 1 and one.p is not None]
    seen = [one.smallest for one in costs if one.smallest is not None and not one.is_difference]
    if seen:
        yield (
            f"Costs of which no change was found: {len(costs):,}; of half of them, a change of "
            f"{_percent(median(seen))} would have been seen."
        )
    yield from _iter_reasons(unchanged)


def _iter_reasons(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield why metrics could not be tested, with how many there are for each reason."""
    reasons: dict[str, list[Finding]] = {}
    for one in findings:
        if one.p is None and one.reason:
            reasons.setdefault(one.reason, []).append(one)
    for reason, those in reasons.items():
        scenarios = dict.fromkeys(effects.titled(one.name.partition(".")[0]) for one in those)
        names = ", ".join(scenarios) if len(scenarios) <= _NAMED else f"{len(scenarios)} scenarios"
        yield f"Not tested, {number(len(those), 'metric')} of {names}: {reason}."


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.3g} %"


def _iter_not_yours(content: Content, found: Sides) -> Iterator[str]:
    """Yield troubles that are not the change's."""
    if found.before and _fault(found.before):
        cause = found.before.record.cause
        if content.cause and content.cause.trouble.phase == SIDES[0]:
            cause = content.cause.trouble  # its harvest may have told more
        yield f"Trunk {_fault(found.before)}, without the change. {cause.message if cause else ''}"
    for trouble in content.record.later:
        if trouble.verdict == "infrastructure":
            yield trouble.message
    if found.rerun and found.rerun.record.verdict not in _TESTED:
        cause = found.rerun.record.cause
        yield f"What fails could not be run again. {cause.message if cause else ''}"
