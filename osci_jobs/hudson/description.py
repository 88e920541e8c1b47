# SPDX-License-Identifier: Apache-2.0
"""The description of a build: verdict, cause, and where the report is."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson import build
from osci_jobs.hudson.artifacts import REPORT
from osci_jobs.hudson.server import Dialect, Server, job_path
from osci_jobs.results.escape import clip, visible_line

CAUSE_CHARACTERS = 300

# A sentence ends at a full stop before a blank, not at one in a name.
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_ANGLES = str.maketrans("<>", "‹›")
_JOB = re.compile(r"[^\x00-\x1f\x7f/]+(/[^\x00-\x1f\x7f/]+)*")


@dataclass(frozen=True)
class Place:
    """The build in which this process runs."""

    job: str
    number: int


def place(environment: Mapping[str, str]) -> Place | None:
    """Return the build by what Hudson puts into the environment, None outside of one.

    Only names are taken from there, never the address of a server.
    """
    job, number = environment.get("JOB_NAME", ""), environment.get("BUILD_NUMBER", "")
    is_right = _JOB.fullmatch(job) and ".." not in job.split("/")
    if not is_right or not re.fullmatch(r"[1-9]\d{0,9}", number, re.ASCII):
        return None
    return Place(job, int(number))


def summary(message: str, line: str) -> str:
    """Return the first sentence of a cause, with the failing line where that says more."""
    sentence = _first_sentence(message)
    return f"{sentence.rstrip('.')}: {line}" if line and line not in message else sentence


def write(server: Server, where: Place, verdict: str, cause: str, has_report: bool) -> None:
    """Set the description of a build by a POST; safe to repeat. Raises as the server's calls do."""
    dialect = server.dialect()
    report = _report_url(server, where) if has_report else ""
    path = f"{job_path(where.job)}{where.number}/submitDescription"
    fields = {"description": text(dialect, verdict, cause, report)}
    answer = server.post(path, build.about_build(where.job, where.number), fields)
    if answer.status not in (200, 302):
        raise ConfigurationError(f"'{server.url}' takes no description ({answer.status}).")


def text(dialect: Dialect, verdict: str, cause: str, report: str) -> str:
    """Return the description in what the server makes of it; `report` is an address, or "".

    Hudson shows HTML. Jenkins shows plain text, or HTML where it is set so: there
    is nothing in ours that is a tag for either. A link of Hudson's begins at the
    server's root, for the page of the job shows it too, and people may know the
    server by another name than its own.
    """
    sentence = _first_sentence(cause)
    if dialect.is_hudson:
        link = f'<a href="{html.escape(urlsplit(report).path)}">report</a>' if report else ""
        parts = [f"<b>{html.escape(verdict)}</b>", html.escape(sentence), link]
    else:
        parts = [f"{verdict}:" if sentence else verdict, sentence.translate(_ANGLES), report]
    return " ".join(part for part in parts if part)


def _first_sentence(cause: str) -> str:
    line = next(iter(cause.strip().splitlines()), "")
    return clip(visible_line(_SENTENCE.split(line, maxsplit=1)[0]), CAUSE_CHARACTERS)


def _report_url(server: Server, where: Place) -> str:
    return f"{build.build_url(server, where.job, where.number)}artifact/{quote(REPORT)}"
