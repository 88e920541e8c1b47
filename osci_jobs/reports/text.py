# SPDX-License-Identifier: Apache-2.0
"""The report as text for a terminal, a mail or the console of a build."""

import textwrap
from collections.abc import Iterator
from itertools import chain

from osci_jobs.reports.content import Content, Listing, SuiteContent, duration
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import visible, visible_line
from osci_jobs.results.record import Suite

WIDTH = 80
MESSAGE_LINES = 20


def render(content: Content) -> str:
    """Return report.txt: the verdict first, then its cause, then all the rest.

    Lines keep to 80 columns, but for those that are to be copied: a failing line
    of a log, a path, a name, a command.
    """
    parts = (
        _iter_head(content),
        _iter_cause(content),
        _iter_later(content),
        _iter_suites(content),
        _iter_phases(content),
        _iter_hosts(content),
        _iter_medians(content),
        _iter_again(content),
    )
    lines = (line.rstrip() for line in chain.from_iterable(parts))
    return visible("\n".join(lines) + "\n")


def _iter_head(content: Content) -> Iterator[str]:
    record = content.record
    deployment = visible_line(record.deployment["name"])
    title = " ".join(filter(None, (visible_line(record.command), deployment)))
    yield f"{record.verdict.upper()}  {title}".rstrip()
    yield content.verdict.meaning
    took = duration(record.seconds)
    yield f"Run {visible_line(record.run)}"
    yield f"Started {content.started}, took {took}, exit code {record.exit_code}"


def _iter_cause(content: Content) -> Iterator[str]:
    cause = content.record.cause
    if not cause:
        return
    yield from ("", "Cause")
    yield from _wrap(cause.message, "  ")
    for name in ("phase", "host", "unit", "line"):
        value = getattr(cause, name)
        if value:
            yield f"  {name + ':':7}{visible_line(value)}"
    yield f"  log:   {visible_line(str(content.log))}"


def _iter_later(content: Content) -> Iterator[str]:
    if content.record.later:
        yield from ("", "Later trouble")
    for trouble in content.record.later:
        place = ", ".join(filter(None, (trouble.phase, trouble.host, trouble.unit)))
        yield from _wrap(f"{trouble.verdict} ({place}): {trouble.message}", "  ", "    ")


def _iter_suites(content: Content) -> Iterator[str]:
    if content.suites:
        yield from ("", "Suites")
    for suite in content.suites:
        yield from _iter_suite(suite)


def _iter_suite(suite: SuiteContent) -> Iterator[str]:
    name = visible_line(suite.name)
    yield f"  {name}: {suite.counts.outcome}"
    for case in suite.failing.cases:
        yield f"    {case.outcome.upper()} {visible_line(case.title)}"
        yield from _iter_message(case)
    yield from _iter_left(suite.failing, "fail")
    if suite.counts.cases:
        yield f"    {_counts(suite.counts)}"
    for case in suite.skipped.cases:
        reason = case.message or "no reason given"
        yield from _wrap(f"skipped {case.title}: {reason}", "    ", "      ")
    yield from _iter_left(suite.skipped, "were skipped")


def _counts(suite: Suite) -> str:
    return (
        f"cases: {suite.cases}; passed {suite.passed}, failed {suite.failed},"
        f" in error {suite.errors}, skipped {suite.skipped}; took {duration(suite.seconds)}"
    )


def _iter_message(case: Case) -> Iterator[str]:
    lines = visible(case.message).splitlines()
    for line in lines[:MESSAGE_LINES]:
        yield from _wrap(line, "      ")
    if len(lines) > MESSAGE_LINES:
        yield f"      … and {len(lines) - MESSAGE_LINES} lines more"


def _iter_left(listing: Listing, what: str) -> Iterator[str]:
    if listing.left:
        yield f"    … and {listing.left} more that {what}; the JUnit XML has them all"


def _iter_phases(content: Content) -> Iterator[str]:
    phases = content.record.phases
    if not phases:
        return
    yield from ("", "Phases")
    width = max(len(visible_line(phase.name)) for phase in phases)
    for phase in phases:
        took = duration(phase.seconds)
        yield f"  {visible_line(phase.name):{width}}  {took:>11}  {phase.outcome}"


def _iter_hosts(content: Content) -> Iterator[str]:
    if content.record.hosts:
        yield from ("", "Hosts")
    for host in content.record.hosts:
        yield f"  {visible_line(host.name)}  {visible_line(host.address)}"
        versions = ", ".join(f"{name} {seen}" for name, seen in sorted(host.versions.items()))
        yield from _wrap(versions, "    ")


def _iter_medians(content: Content) -> Iterator[str]:
    if content.medians or content.bad_rows:
        yield from ("", "Median time of each API operation")
    width = max(map(len, content.medians), default=0)
    for operation, seconds in content.medians.items():
        yield f"  {visible_line(operation):{width}}  {duration(seconds):>11}"
    if content.bad_rows:
        yield f"  Rows of samples that could not be read: {content.bad_rows}"


def _iter_again(content: Content) -> Iterator[str]:
    yield from ("", "Run it again", f"  {visible_line(content.command_line)}")
    yield from ("", "All files of this run", f"  {visible_line(str(content.run_directory))}")


def _wrap(text: str, indent: str, later_indent: str | None = None) -> list[str]:
    return textwrap.wrap(
        visible_line(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=later_indent or indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
