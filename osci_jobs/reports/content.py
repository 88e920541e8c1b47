# SPDX-License-Identifier: Apache-2.0
"""The content of a report, picked and ordered once for all of its forms."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from osci_jobs.results import verdict
from osci_jobs.results.cases import Case
from osci_jobs.results.record import Phase, Record, Suite

SHOWN = 100  # cases of one outcome of one suite; JUnit holds them all
_MINUTE = 60
_HOUR = 60 * _MINUTE


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
class Bar:
    """One phase on the timeline; `left` and `width` are percents of the run."""

    phase: Phase
    left: float
    width: float


@dataclass(frozen=True)
class Content:
    """All that a report shows."""

    record: Record
    verdict: verdict.Verdict
    started: str
    log: Path
    suites: tuple[SuiteContent, ...]
    bars: tuple[Bar, ...]
    medians: Mapping[str, float]
    bad_rows: int
    command_line: str
    run_directory: Path


def gather(
    record: Record,
    suites: Mapping[str, list[Case]],
    medians: Mapping[str, float],
    bad_rows: int,
    run_directory: Path,
) -> Content:
    """Return the content of the report on `record`.

    `medians` are the seconds by API operation, `bad_rows` the rows of samples that
    could not be read, and `run_directory` is where the run's files are.
    """
    log = record.cause.file if record.cause and record.cause.file else "log.jsonl"
    return Content(
        record=record,
        verdict=verdict.VERDICTS[record.verdict],
        started=moment(record.started),
        log=run_directory / log,
        suites=tuple(
            _suite(name, counts, suites.get(name, [])) for name, counts in record.suites.items()
        ),
        bars=tuple(_bar(phase, record) for phase in record.phases),
        medians=medians,
        bad_rows=bad_rows,
        command_line=shlex.join(["osci", record.command, *record.arguments]),
        run_directory=run_directory,
    )


def duration(seconds: float) -> str:
    """Write a duration for a person: '0.042 s', '1.2 s', '3 min 4 s', '1 h 2 min'."""
    if seconds < 1:
        return f"{seconds:.3f} s"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def moment(time: str) -> str:
    """Write a time of the run log for a person: '2026-11-23 09:35:44 UTC'."""
    if not time:
        return "at an unknown time"
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S} UTC"


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


def _bar(phase: Phase, record: Record) -> Bar:
    whole = record.seconds or 1.0
    since = datetime.fromisoformat(phase.started) - datetime.fromisoformat(record.started)
    left = min(max(since.total_seconds() / whole * 100, 0.0), 100.0)
    width = min(phase.seconds / whole * 100, 100.0 - left)
    return Bar(phase, round(left, 2), round(width, 2))
