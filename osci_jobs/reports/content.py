# SPDX-License-Identifier: Apache-2.0
"""The content of a report, picked and ordered once for all of its forms."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from osci_jobs.regression.document import Document
from osci_jobs.reports import changes, excerpt, links, load, operations, tested, timeline, usage
from osci_jobs.reports.amounts import moment, number
from osci_jobs.results import verdict
from osci_jobs.results.cases import Case
from osci_jobs.results.harvested import HostHarvest
from osci_jobs.results.load import Measured
from osci_jobs.results.record import Cause, Record, Suite, Trouble
from osci_jobs.results.samples import Samples

SHOWN = 100  # cases of one outcome of one suite; JUnit holds them all
FINDINGS = 50
OPERATIONS = 100


@dataclass(frozen=True)
class Listing:
    """The first cases of one outcome, and how many more there are."""

    cases: tuple[Case, ...]
    left: int


@dataclass(frozen=True)
class SuiteContent:
    """One suite: its counts, and its cases by outcome."""

    name: str
    counts: Suite
    failing: Listing
    skipped: Listing
    passed: Listing


@dataclass(frozen=True)
class Place:
    """A cause, a later trouble or a finding; the verdict of a finding is "".

    `file` is its log below the run's directory, `log` where that is, and `url`
    leads there; each is "" where there is none.
    """

    trouble: Cause
    verdict: str
    lines: tuple[excerpt.Line, ...]
    file: str
    log: str
    url: str

    @property
    def where(self) -> tuple[tuple[str, str], ...]:
        """What is known of phase, host and unit, by these words."""
        found = [(name, getattr(self.trouble, name)) for name in ("phase", "host", "unit")]
        return tuple((name, value) for name, value in found if value)


@dataclass(frozen=True)
class Content:
    """All that a report shows."""

    record: Record
    verdict: verdict.Verdict
    started: str
    tally: str
    cause: Place | None
    findings: tuple[Place, ...]
    findings_left: int
    later: tuple[Place, ...]
    suites: tuple[SuiteContent, ...]
    timeline: timeline.Timeline
    operations: tuple[operations.Operation, ...]
    operations_left: int
    bad_rows: int
    usage: usage.Usage
    load: tuple[load.Scenario, ...]
    changes: changes.Changes | None  # of a run of two sides
    sources: tuple[tested.Source, ...]
    provenance: Mapping[str, str]
    packages: tuple[tested.Package, ...]
    command_line: str
    run_directory: Path


def gather(
    record: Record,
    suites: Mapping[str, list[Case]],
    samples: Samples,
    harvest: Sequence[HostHarvest],
    run_directory: Path,
    scenarios: Sequence[Measured] = (),
    compared: Document | None = None,
) -> Content:
    """Return the content of the report on `record`.

    `suites` are the cases by suite, `samples` the API calls of all suites,
    `harvest` is what the hosts left, `run_directory` where the run's files are, and
    `scenarios` is what those of load measured, `compared` what came of two sides.
    """
    found = operations.gather(samples.samples)
    return Content(
        record=record,
        verdict=verdict.VERDICTS[record.verdict],
        started=moment(record.started),
        tally=_tally(record),
        cause=_cause(record, run_directory),
        findings=_findings(record.findings[:FINDINGS], run_directory),
        findings_left=max(len(record.findings) - FINDINGS, 0),
        later=_places(record.later, run_directory),
        suites=tuple(
            _suite(name, counts, suites.get(name, []))
            for name, counts in sorted(record.suites.items(), key=_failing_first)
        ),
        timeline=timeline.gather(record, harvest),
        operations=found[:OPERATIONS],
        operations_left=max(len(found) - OPERATIONS, 0),
        bad_rows=samples.bad_rows,
        usage=usage.gather(harvest, record.started),
        load=load.gather(scenarios),
        changes=changes.gather(compared) if compared else None,
        sources=tested.sources(record),
        provenance=tested.provenance(record),
        packages=tested.packages(record),
        command_line=shlex.join(["osci", record.command, *record.arguments]),
        run_directory=run_directory,
    )


def _tally(record: Record) -> str:
    """Return the counts of all cases in one phrase, "" when no suite was to run."""
    if not record.suites:
        return ""
    counts = record.suites.values()
    outcomes = {
        "failed": sum(suite.failed for suite in counts),
        "in error": sum(suite.errors for suite in counts),
        "skipped": sum(suite.skipped for suite in counts),
        "passed": sum(suite.passed for suite in counts),
    }
    told = ", ".join(f"{count:,} {name}" for name, count in outcomes.items() if count)
    total = number(sum(outcomes.values()), "case")
    return f"{total}: {told}" if told else "no case ran"


def _cause(record: Record, run_directory: Path) -> Place | None:
    cause = record.cause
    if not cause:
        return None
    lines = excerpt.excerpt(cause)
    return _place(cause, record.verdict, lines, cause.file or "log.jsonl", run_directory)


def _findings(troubles: Sequence[Trouble], run_directory: Path) -> tuple[Place, ...]:
    """Return the findings without the verdicts that they would have given: none is the run's."""
    return tuple(replace(place, verdict="") for place in _places(troubles, run_directory))


def _places(troubles: Sequence[Trouble], run_directory: Path) -> tuple[Place, ...]:
    return tuple(
        _place(trouble, trouble.verdict, excerpt.failing(trouble), trouble.file, run_directory)
        for trouble in troubles
    )


def _place(
    trouble: Cause,
    name: str,
    lines: tuple[excerpt.Line, ...],
    file: str,
    run_directory: Path,
) -> Place:
    log = str(run_directory / file) if file else ""
    return Place(trouble, name, lines, file, log, links.url(run_directory, file))


def _failing_first(item: tuple[str, Suite]) -> bool:
    return not (item[1].failed or item[1].errors)


def _suite(name: str, counts: Suite, cases: list[Case]) -> SuiteContent:
    return SuiteContent(
        name=name,
        counts=counts,
        failing=_list([case for case in cases if case.is_failing]),
        skipped=_list([case for case in cases if case.outcome == "skipped"]),
        passed=_list([case for case in cases if case.outcome == "passed"]),
    )


def _list(cases: list[Case]) -> Listing:
    return Listing(tuple(cases[:SHOWN]), max(len(cases) - SHOWN, 0))
