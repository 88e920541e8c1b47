# SPDX-License-Identifier: Apache-2.0
"""Mails on results: put into the outbox, and sent from there once."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from osci_jobs.deployment.faults import show
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import address, message, outbox, record
from osci_jobs.mail.delivery import Outcome, next_attempt, send_due
from osci_jobs.mail.message import Letter
from osci_jobs.mail.record import Record
from osci_jobs.mail.settings import Settings

__all__ = ["Letter", "Outcome", "Settings", "next_attempt", "post", "send_due"]


def post(
    directory: Path,
    settings: Settings,
    letter: Letter,
    addresses: Iterable[str],
    now: datetime,
) -> list[str]:
    """Put a mail to each address into the outbox, and return their keys in that order.

    `directory` is the outbox. Nothing is sent yet: `send_due` does. Safe to repeat: a result
    goes to an address once, also after it was sent. Raises ConfigurationError before there is
    any mail when an address is none, or the letter is too large; InfrastructureError when the
    disk refuses.
    """
    _check(letter)
    recipients = address.parse_all(addresses)
    records = [_record(settings, letter, recipient, now) for recipient in recipients]
    for one in records:
        outbox.create(directory, one)
    return [one.key for one in records]


def _check(letter: Letter) -> None:
    if not record.is_result(letter.result):
        raise ConfigurationError(
            f"The id of a result: found {show(letter.result)}, expected a line of 1 to "
            f"{record.RESULT_CHARACTERS} characters."
        )


def _record(settings: Settings, letter: Letter, recipient: str, now: datetime) -> Record:
    key = record.key_of(letter.result, recipient)
    return Record(
        key=key,
        result=letter.result,
        address=recipient,
        subject=message.subject(letter),
        created=now,
        next_attempt=now,
        message=message.build(settings.sender, key, recipient, letter, now).decode("ascii"),
    )
