# SPDX-License-Identifier: Apache-2.0
"""A run that says in the description of its build how it ended."""

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from osci_jobs import deadline
from osci_jobs.cli import aside
from osci_jobs.errors import ConfigurationError, InterruptionError, OsciError
from osci_jobs.hudson import account
from osci_jobs.results.record import Record

if TYPE_CHECKING:
    from osci_jobs.hudson.description import Place

SECONDS = 10.0


@contextlib.contextmanager
def told(asked: argparse.Namespace) -> Iterator[None]:
    """Let no error out that the build, if there is one, does not have in its description."""
    try:
        yield
    except OsciError as error:
        if asked.ci:
            _describe(error.verdict, str(error), has_report=False)
        raise


def by_record(record: Record) -> None:
    """Set the description of the build, if there is one, by the record of its run."""
    message, line = (record.cause.message, record.cause.line) if record.cause else ("", "")
    # What an aborted build leaves is archived at once, before there is a report.
    has_report = record.verdict != InterruptionError.verdict
    _describe(record.verdict, message, line, has_report=has_report)


def _describe(verdict: str, message: str, line: str = "", *, has_report: bool) -> None:
    """Set it within ten seconds. It is a courtesy: what goes wrong is said and changes nothing."""
    if not os.environ.get(account.VARIABLE):
        return
    # It is slow to import, and most runs are in no build.
    from osci_jobs.hudson import description

    where = description.place(os.environ)
    if not where:
        return
    cause = description.summary(message, line)
    try:
        deadline.within(SECONDS, lambda: _write(where, verdict, cause, has_report))
    except TimeoutError:
        _complain(f"the server did not take it within {SECONDS:g} s.")
    except OsciError as error:
        _complain(str(error))


def _write(where: "Place", verdict: str, cause: str, has_report: bool) -> None:
    from osci_jobs.hudson import description
    from osci_jobs.hudson.server import Server

    found = account.find(None, os.environ, Path.home())
    if found.is_anonymous:
        raise ConfigurationError(f"'{found.path}' has no account.")
    description.write(Server(found), where, verdict, cause, has_report)


def _complain(reason: str) -> None:
    aside.say(f"The build has no description: {reason}")
