# SPDX-License-Identifier: Apache-2.0
"""What came of a build: the verdict of the run in it, else that of how the build ended."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson import build
from osci_jobs.hudson.artifacts import RECORD, REPORT
from osci_jobs.hudson.build import Build
from osci_jobs.hudson.server import Server, job_path
from osci_jobs.results import record as records
from osci_jobs.results import verdict
from osci_jobs.results.record import Record

_CAUSE_LINES = 5


@dataclass(frozen=True)
class Outcome:
    """The verdict of a build with its exit code and cause; `report` is an address, or ""."""

    verdict: str
    exit_code: int
    cause: str
    report: str


def find(server: Server, name: str, ended: Build, last_lines: Sequence[str]) -> Outcome:
    """Return the outcome of a build that has ended; `last_lines` are those of its log."""
    url = build.build_url(server, name, ended.number)
    report = f"{url}artifact/{REPORT}" if REPORT in ended.artifacts else ""
    if RECORD not in ended.artifacts:
        return _of_result(ended, last_lines, "it left no run.json", report)
    try:
        return _of_record(_record(server, name, ended.number), report)
    except ConfigurationError as error:
        # The file is a stranger's, and nothing that the user wrote.
        return _of_result(ended, last_lines, str(error).rstrip("."), report)


def _record(server: Server, name: str, number: int) -> Record:
    about = f"run.json of {build.about_build(name, number)}"
    path = f"{job_path(name)}{number}/artifact/{RECORD}"
    answer = server.read(path, about, limit=records.FILE_BYTES)
    return records.parse(b"" if answer.is_cut else answer.content, f"{server.url}{path}")


def _of_record(found: Record, report: str) -> Outcome:
    row = verdict.VERDICTS.get(found.verdict)
    codes = {row.exit_code, *row.signals.values()} if row else set()
    if found.exit_code not in codes:
        raise ConfigurationError(
            f"The record has the verdict {found.verdict[:20]!r} with the exit code "
            f"{found.exit_code}, which do not belong together."
        )
    cause = found.cause.message if found.cause else ""
    return Outcome(found.verdict, found.exit_code, cause, report)


def _of_result(ended: Build, last_lines: Sequence[str], reason: str, report: str) -> Outcome:
    if ended.result == build.RESULTS["ABORTED"]:
        # Hudson archives at once, often before the run has written its result.
        code = verdict.exit_code("interrupted", signal.SIGTERM)
        return Outcome("interrupted", code, "The build was aborted.", report)
    said = "".join(f"\n  {line}" for line in [*filter(None, last_lines)][-_CAUSE_LINES:])
    cause = f"The build ended as '{ended.result}', and {reason}."
    code = verdict.exit_code("infrastructure")
    return Outcome("infrastructure", code, f"{cause} Its log ends with:{said}", report)
