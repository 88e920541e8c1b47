# SPDX-License-Identifier: Apache-2.0
"""What a change brings, as text for a mail, a terminal or the console of a build."""

from collections.abc import Iterator, Sequence
from itertools import chain

from osci_jobs.reports import text
from osci_jobs.reports.amounts import duration
from osci_jobs.reports.answer import Answer, Failure, Names
from osci_jobs.reports.content import Content
from osci_jobs.reports.effects import Effect
from osci_jobs.results.escape import visible, visible_line


def render(content: Content, answer: Answer) -> str:
    """Return report.txt of a run that held a change against trunk: the answer first.

    Lines keep to 80 columns, but for those that are to be copied.
    """
    parts = (
        _iter_head(content, answer),
        text.iter_cause(answer.cause),
        _iter_failures(answer),
        _iter_effects("Worse", answer.worse, answer.worse_left),
        _iter_effects("Better", answer.better, answer.better_left),
        _iter_names("Newly passing", answer.mended),
        _iter_names("Passed on trunk, and does not run any more", answer.gone),
        _iter_sentences("Could not be told", answer.not_told),
        _iter_not_yours(answer),
        _iter_sentences("How it was measured", answer.notes),
        _iter_sources(content),
        _iter_again(content),
    )
    lines = (line.rstrip() for line in chain.from_iterable(parts))
    return visible("\n".join(lines) + "\n")


def _iter_head(content: Content, answer: Answer) -> Iterator[str]:
    record = content.record
    yield from text.wrap(_sentence(answer.headline), "")
    yield ""
    deployment = visible_line(record.deployment["name"])
    yield f"{record.verdict.upper()}  {visible_line(record.command)} {deployment}"
    yield f"Run {visible_line(record.run)}"
    yield f"Started {content.started}, took {duration(record.seconds)}, exit {record.exit_code}"


def _sentence(headline: str) -> str:
    return headline[:1].upper() + headline[1:]


def _iter_failures(answer: Answer) -> Iterator[str]:
    if answer.failing:
        yield from ("", "Newly failing")
    for one in answer.failing:
        yield from _iter_failure(one)
    yield from _iter_left(answer.failing_left)


def _iter_failure(one: Failure) -> Iterator[str]:
    yield f"  {one.title}"
    for line in one.lines:
        yield from text.wrap(line, "    > ", "      ")
    yield from text.wrap(one.note, "    ")


def _iter_effects(title: str, found: Sequence[Effect], left: int) -> Iterator[str]:
    if found:
        yield from ("", title)
    for one in found:
        yield from text.wrap(f"{one.scenario}: {one.title} {one.sentence}", "  ", "    ")
        if one.bars:
            pairs = "  ".join(f"{bar.before} to {bar.after}" for bar in one.bars)
            yield from text.wrap(f"pairs: {pairs} {one.unit}", "    ", "      ")
        for moved in one.moved:
            yield from text.wrap(f"with it: {moved}", "    ", "      ")
    yield from _iter_left(left)


def _iter_names(title: str, names: Names) -> Iterator[str]:
    if names.shown:
        yield from ("", title)
    for name in names.shown:
        yield from text.wrap(name, "  ", "    ")
    yield from _iter_left(names.left)


def _iter_sentences(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from ("", title)
    for one in sentences:
        yield from text.wrap(one, "  ", "    ")


def _iter_not_yours(answer: Answer) -> Iterator[str]:
    if answer.not_yours or answer.trunk_failing.shown or answer.flaky.shown:
        yield from ("", "Not yours")
    for one in answer.not_yours:
        yield from text.wrap(one, "  ", "    ")
    for what, names in (("fails on trunk too", answer.trunk_failing), ("flaky", answer.flaky)):
        for name in names.shown:
            yield from text.wrap(f"{what}: {name}", "  ", "    ")
        yield from _iter_left(names.left)


def _iter_left(left: int) -> Iterator[str]:
    if left:
        yield f"  … and {left:,} more; the JUnit XML has them all"


def _iter_sources(content: Content) -> Iterator[str]:
    if content.sources:
        yield from ("", "What was tested")
        yield from text.iter_sources(content)


def _iter_again(content: Content) -> Iterator[str]:
    yield from text.iter_again(content)
    yield from ("", "From the same commits, whatever the branch is by then")
    yield f"  osci reproduce {visible_line(content.record.run)}"
