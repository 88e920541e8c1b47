# SPDX-License-Identifier: Apache-2.0
"""The report of a change, by mail: to whom it goes, and what became of it."""

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osci_jobs import mail, reports
from osci_jobs.cli import aside
from osci_jobs.errors import OsciError
from osci_jobs.mail import Letter, Settings, address, outbox, password, settings
from osci_jobs.results.record import Record


@dataclass(frozen=True)
class Mailing:
    """To whom a report goes: `addresses`, or where there are none the authors that may be mailed.

    `settings` is None where there are none, and nobody is mailed. `projects` are those that
    something is proposed of.
    """

    settings: Settings | None
    outbox: Path
    addresses: tuple[str, ...]
    projects: tuple[str, ...]


def prepare(asked: argparse.Namespace, projects: tuple[str, ...]) -> Mailing:
    """Check addresses and settings before anything is made; raises ConfigurationError."""
    addresses = tuple(address.parse_all(asked.mail_to))
    named = asked.mail_conf
    is_wanted = bool(addresses) or settings.is_there(named, os.environ, Path.home())
    found = settings.find(named, os.environ, Path.home()) if is_wanted else None
    if found and (warning := password.warning(found)):
        aside.say(warning)
    directory = asked.state_dir.resolve() / outbox.DIRECTORY
    return Mailing(found, directory, addresses, projects)


def send(mailing: Mailing, record: Record, run_directory: Path) -> list[dict[str, Any]]:
    """Mail the report of a run, and what else is due; return what became of each mail of it.

    What cannot be sent now waits in the outbox. Trouble is said and changes nothing, for the
    run has its own verdict.
    """
    if mailing.settings is None:
        return []
    try:
        return list(_sent(mailing, mailing.settings, record, run_directory))
    except OsciError as error:
        aside.say(f"{error} The mail waits; send it with: osci outbox send")
        return []


def _sent(
    mailing: Mailing, found: Settings, record: Record, run_directory: Path
) -> Iterator[dict[str, Any]]:
    recipients = mailing.addresses or tuple(_authors(mailing, found, record))
    letter = _letter(mailing, record, run_directory)
    keys = mail.post(mailing.outbox, found, letter, recipients, _now())
    outcomes = {one.key: one for one in mail.send_due(found, mailing.outbox, _now, aside.say)}
    for key in keys:
        if key in outcomes:
            yield asdict(outcomes[key])


def _authors(mailing: Mailing, found: Settings, record: Record) -> list[str]:
    """Return who wrote what is proposed, of those that may be mailed, each once."""
    sources = [record.sources.get(project, {}) for project in mailing.projects]
    authors = [source.get("details", {}).get("author", "") for source in sources]
    return list(dict.fromkeys(one for one in authors if found.author_allowed(one)))


def _letter(mailing: Mailing, record: Record, run_directory: Path) -> Letter:
    tested = ", ".join(_told(record.sources.get(name, {}), name) for name in mailing.projects)
    where = " of ".join(filter(None, (record.deployment["name"], tested)))
    return Letter(
        result=record.run,
        subject=f"{reports.headline(run_directory)} ({where})",
        text=(run_directory / "report.txt").read_text(encoding="utf-8"),
        html=(run_directory / "report.html").read_text(encoding="utf-8"),
    )


def _told(source: Mapping[str, Any], project: str) -> str:
    return f"{project} {source.get('text', '')}".strip()


def _now() -> datetime:
    return datetime.now(UTC)
