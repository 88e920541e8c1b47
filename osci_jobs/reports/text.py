# SPDX-License-Identifier: Apache-2.0
"""The report as text for a terminal, a mail or the console of a build."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from osci_jobs.reports import load
from osci_jobs.reports.amounts import amount, duration, number, size
from osci_jobs.reports.changes import Changes
from osci_jobs.reports.content import Content, Listing, Place, SuiteContent
from osci_jobs.reports.tested import Package
from osci_jobs.reports.timeline import Timeline
from osci_jobs.reports.usage import Service
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import clip, visible, visible_line
from osci_jobs.results.record import Suite

WIDTH = 80
MESSAGE_LINES = 20
OPERATIONS = 12
SERVICES = 15
BAR = 30
NAME = 16
HOST = 8
OPERATION = 40
CHANGES = 30
LEAST = 0.05  # of a cost that is told
LATE = (
    "In {} the generator of load was late: it, and not the cloud, was the limit, so these "
    "times say little of the cloud."
)


def render(content: Content) -> str:
    """Return report.txt: the verdict first, then its cause, then all the rest.

    Lines keep to 80 columns, but for those that are to be copied: a failing line
    of a log, a path, a name, a command.
    """
    parts = (
        _iter_head(content),
        iter_cause(content.cause),
        _iter_places("What was wrong at harvest", content.findings),
        _iter_places("Later troubles", content.later),
        _iter_suites(content),
        _iter_changes(content.changes),
        _iter_load(content.load),
        _iter_timeline(content.timeline),
        _iter_operations(content),
        _iter_services(content.usage.services),
        _iter_tested(content),
        iter_again(content),
    )
    lines = (line.rstrip() for line in chain.from_iterable(parts))
    return visible("\n".join(lines) + "\n")


def _iter_head(content: Content) -> Iterator[str]:
    record = content.record
    deployment = visible_line(record.deployment["name"])
    title = " ".join(filter(None, (visible_line(record.command), deployment)))
    yield f"{record.verdict.upper()}  {title}".rstrip()
    yield content.verdict.meaning
    if content.tally:
        yield content.tally
    took = duration(record.seconds)
    yield f"Run {visible_line(record.run)}"
    yield f"Started {content.started}, took {took}, exit code {record.exit_code}"


def iter_cause(cause: Place | None) -> Iterator[str]:
    """Yield what the verdict is for."""
    if cause:
        yield from ("", "Cause")
        yield from wrap(cause.trouble.message, "  ")
        yield from _iter_place(cause, "  ")


def _iter_places(title: str, places: Sequence[Place]) -> Iterator[str]:
    if places:
        yield from ("", title)
    for place in places:
        text = ": ".join(filter(None, (place.verdict, place.trouble.message)))
        yield from wrap(text, "  ", "    ")
        yield from _iter_place(place, "    ")


def _iter_place(place: Place, indent: str) -> Iterator[str]:
    for line in place.lines:
        text = line.text if line.is_failing else clip(line.text, WIDTH - len(indent) - 2)
        yield f"{indent}{'>' if line.is_failing else ' '} {text}"
    known = ", ".join(f"{name} {visible_line(value)}" for name, value in place.where)
    if known:
        yield from wrap(known, indent)
    if place.log:
        yield f"{indent}log: {visible_line(place.log)}"


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
        yield from wrap(f"skipped {case.title}: {reason}", "    ", "      ")
    yield from _iter_left(suite.skipped, "were skipped")


def _counts(suite: Suite) -> str:
    return (
        f"cases: {suite.cases}; passed {suite.passed}, failed {suite.failed},"
        f" in error {suite.errors}, skipped {suite.skipped}; took {duration(suite.seconds)}"
    )


def _iter_message(case: Case) -> Iterator[str]:
    lines = visible(case.message).splitlines()
    for line in lines[:MESSAGE_LINES]:
        yield from wrap(line, "      ")
    if len(lines) > MESSAGE_LINES:
        yield f"      … and {len(lines) - MESSAGE_LINES} lines more"


def _iter_left(listing: Listing, what: str) -> Iterator[str]:
    if listing.left:
        yield f"    … and {listing.left} more that {what}; the JUnit XML has them all"


def _iter_changes(found: Changes | None) -> Iterator[str]:
    if found is None:
        return
    yield from ("", "What changed, from before to after")
    parts = (("worse", found.worse), ("better", found.better), ("other", found.other))
    for name, sentences in parts:
        for one in sentences[:CHANGES]:
            first, *rest = wrap(one, " " * 10)
            yield f"  {name:8}{first.lstrip()}"
            yield from rest
        if len(sentences) > CHANGES:
            yield f"  {'':8}… and {len(sentences) - CHANGES} more that are {name}"
    if not any(sentences for _, sentences in parts):
        yield "  Nothing was found."
    for note in found.notes:
        yield from wrap(note, "  ")


def _iter_load(scenarios: Sequence[load.Scenario]) -> Iterator[str]:
    if scenarios:
        yield from ("", "Load (operations, a second, errors, half within, 95 %, 99 % within)")
    names = [clip(visible_line(one.measured.name), NAME) for one in scenarios]
    width = max(map(len, names), default=0)
    for name, one in zip(names, scenarios, strict=True):
        found = one.measured
        times = [found.latency.get(key) for key in ("p50", "p95", "p99")]
        told = "".join(f"{'-' if time is None else duration(time):>10}" for time in times)
        rate, errors = f"{found.throughput:.3g}/s", f"{100 * found.error_share:.3g} %"
        yield f"  {name:{width}}{found.operations:>7}{rate:>9}{errors:>8}{told}"
    for one in scenarios:
        if one.measured.is_late:
            yield from wrap(LATE.format(visible_line(one.measured.name)), "  ")
    for sentence in load.iter_uncounted(scenarios):
        yield from wrap(sentence, "  ")
    for one in scenarios:
        yield from _iter_costs(one)


def _iter_costs(scenario: load.Scenario) -> Iterator[str]:
    """Tell what one operation costs the services that computed most for it."""
    if scenario.costs:
        yield from ("", f"One operation of {visible_line(scenario.measured.name)} costs")
    for cost in scenario.costs[: load.SHOWN]:
        parts = [
            f"{amount(value)} {unit}"
            for value, (_, _, unit) in zip(cost.numbers, load.RESOURCES, strict=True)
            if value is not None and value >= LEAST
        ]
        yield from wrap(f"{cost.service}: {', '.join(parts) or 'next to nothing'}", "  ", "    ")


def _iter_timeline(timeline: Timeline) -> Iterator[str]:
    if not timeline.bars:
        return
    yield from ("", f"Timeline ({BAR} characters are {duration(timeline.seconds)})")
    width = min(max(len(visible_line(bar.phase.name)) for bar in timeline.bars), NAME)
    for bar in timeline.bars:
        name = clip(visible_line(bar.phase.name), width)
        took = duration(bar.phase.seconds)
        drawn = _bar(bar.start, bar.end, timeline.seconds, "#")
        outcome = "" if bar.phase.outcome == "success" else bar.phase.outcome
        yield f"  {name:{width}}  {took:>10}  |{drawn}| {outcome}"
    if timeline.spans:
        yield from _iter_spans(timeline)


def _iter_spans(timeline: Timeline) -> Iterator[str]:
    yield from ("", "Services (. waited, # ran, up to the end of deploy; 2x: restarted twice)")
    names = [clip(visible_line(span.unit), NAME) for span in timeline.spans]
    width = max(map(len, names))
    for name, span in zip(names, timeline.spans, strict=True):
        started = span.ended if span.started is None else span.started
        waited = _bar(started - span.wait, started, timeline.seconds, ".", span.wait > 0)
        ran = _bar(started, span.ended, timeline.seconds, "#", span.started is not None)
        drawn = "".join(b if b != " " else a for a, b in zip(waited, ran, strict=True))
        told = [span.state] if span.state not in ("running", "done") else []
        told += [f"{span.restarts}x"] if span.restarts else []
        host = clip(visible_line(span.host), HOST)
        yield f"  {name:{width}}  {host:{HOST}}  |{drawn}| {', '.join(told)}"
    if timeline.left:
        yield f"  … and {timeline.left} more that waited less"


def _bar(start: float, end: float, seconds: float, mark: str, is_drawn: bool = True) -> str:
    """Return a bar of BAR characters, of which those from `start` to `end` are marked."""
    first = min(int(start / (seconds or 1.0) * BAR), BAR - 1)
    last = max(min(round(end / (seconds or 1.0) * BAR), BAR), first + 1)
    return (" " * first + mark * (last - first)).ljust(BAR) if is_drawn else " " * BAR


def _iter_operations(content: Content) -> Iterator[str]:
    shown = content.operations[:OPERATIONS]
    if shown or content.bad_rows:
        yield from ("", "Slowest API operations (median, slowest call, calls)")
    names = [clip(visible_line(one.name), OPERATION) for one in shown]
    width = max(map(len, names), default=0)
    for name, one in zip(names, shown, strict=True):
        numbers = f"{duration(one.median):>11}  {duration(one.most):>11}  {one.calls:>6}"
        yield f"  {name:{width}}{numbers}"
    left = len(content.operations) - len(shown) + content.operations_left
    if left:
        yield f"  … and {number(left, 'faster operation')}"
    if content.bad_rows:
        yield f"  Rows of samples that could not be read: {content.bad_rows}"


def _iter_services(services: Sequence[Service]) -> Iterator[str]:
    if not services:
        return
    shown = services[:SERVICES]
    yield from ("", "Services (memory at its peak, CPU at its peak, CPU in all)")
    names = [clip(visible_line(one.name), OPERATION) for one in shown]
    width = max(map(len, names))
    for name, one in zip(names, shown, strict=True):
        memory, cpu = size(one.memory_peak), f"{one.cpu_peak:.2f} cores"
        yield f"  {name:{width}}{memory:>11}{cpu:>13}{duration(one.cpu_seconds):>13}"
    if len(services) > len(shown):
        yield f"  … and {number(len(services) - len(shown), 'smaller one')}"


def _iter_tested(content: Content) -> Iterator[str]:
    if content.sources or content.provenance or content.record.hosts:
        yield from ("", "What was tested")
    yield from iter_sources(content)
    if content.provenance:
        yield "  made from"
    for name, value in content.provenance.items():
        yield _fact(name, value)
    for host in content.record.hosts:
        yield f"  {visible_line(host.name)}  {visible_line(host.address)}"
    versions = ", ".join(_versions(package) for package in content.packages)
    yield from wrap(versions, "  ")


def iter_sources(content: Content) -> Iterator[str]:
    """Yield what is known of each source."""
    for source in content.sources:
        yield f"  {visible_line(source.project)}"
        for name, value in source.parts.items():
            yield _fact(name, value)


def _fact(name: str, value: str) -> str:
    return f"    {visible_line(name) + ':':13} {visible_line(value)}"


def _versions(package: Package) -> str:
    seen = " and ".join(
        f"{version} (on {hosts})" if hosts else version for version, hosts in package.versions
    )
    return f"{package.name} {seen}"


def iter_again(content: Content) -> Iterator[str]:
    """Yield how to run it again, and where its files are."""
    yield from ("", "Run it again", f"  {visible_line(content.command_line)}")
    yield from ("", "All files of this run", f"  {visible_line(str(content.run_directory))}")


def wrap(text: str, indent: str, later_indent: str | None = None) -> list[str]:
    """Return the lines of a text, none wider than WIDTH unless one of its words is."""
    return textwrap.wrap(
        visible_line(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=later_indent or indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
