# SPDX-License-Identifier: Apache-2.0
"""What is known of one mail: to whom it goes, what became of it, and its file's content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from osci_jobs.mail import address
from osci_jobs.results.escape import visible_line

FORMAT = 1
# Those after the first are the end of a mail.
STATES = ("waiting", "sent", "refused", "expired")
KEY_CHARACTERS = 32
REPLY_CHARACTERS = 500
RESULT_CHARACTERS = 200

_SUBJECT_CHARACTERS = 500
_KEPT_ATTEMPTS = 50
# Times far from these could not be reckoned with.
_YEARS = range(2000, 3000)


@dataclass(frozen=True)
class Attempt:
    """When it was tried, and what came of it, in words."""

    at: datetime
    reply: str


@dataclass(frozen=True)
class Record:
    """One mail. `handed_over` says when the server got all of it but has not answered.

    `settled` is when it came to its end. `message` is empty from then on.
    """

    key: str
    result: str
    address: str
    subject: str
    created: datetime
    next_attempt: datetime
    message: str
    state: str = "waiting"
    attempts: tuple[Attempt, ...] = ()
    handed_over: datetime | None = None
    settled: datetime | None = None

    def tried(self, at: datetime, reply: str, next_attempt: datetime) -> "Record":
        """Return the record after one more attempt that came to nothing."""
        return replace(
            self,
            attempts=self._with(at, reply),
            next_attempt=next_attempt,
            handed_over=None,
        )

    def ended(self, state: str, at: datetime, reply: str) -> "Record":
        """Return the record of a mail that is sent, refused or expired."""
        return replace(
            self,
            state=state,
            attempts=self._with(at, reply),
            handed_over=None,
            settled=at,
            message="",
        )

    def _with(self, at: datetime, reply: str) -> tuple[Attempt, ...]:
        first, others = self.attempts[:1], self.attempts[1:]
        return (*first, *others[2 - _KEPT_ATTEMPTS :], Attempt(at, reply))


def key_of(result: str, recipient: str) -> str:
    """Return the key of the mail on a result to an address, whose case does not matter."""
    text = f"{result}\0{recipient.lower()}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARACTERS]


def is_result(text: str) -> bool:
    """Tell whether the text can be the id of a result."""
    return 0 < len(text) <= RESULT_CHARACTERS and text == visible_line(text)


def dump(record: Record) -> str:
    """Return the content of the record's file."""
    plain = {**asdict(record), "format": FORMAT}
    return json.dumps(plain, default=moment, indent=1, sort_keys=True) + "\n"


def load(content: bytes) -> Record:
    """Return the record that a file holds, as a stranger's.

    Raises ValueError with what is wrong in words.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"it is not of format {FORMAT}")
    try:
        return _record(found)
    except KeyError as error:
        raise ValueError(f"it has no {error}") from error


def moment(at: datetime) -> str:
    """Return a moment as it is written down."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(found: Mapping[str, Any]) -> Record:
    record = Record(
        key=_line(found, "key"),
        result=_line(found, "result", RESULT_CHARACTERS),
        address=_line(found, "address"),
        subject=_line(found, "subject", _SUBJECT_CHARACTERS),
        created=_moment(found, "created"),
        next_attempt=_moment(found, "next_attempt"),
        message=_text(found, "message"),
        state=_line(found, "state"),
        attempts=_attempts(found),
        handed_over=_optional(found, "handed_over"),
        settled=_optional(found, "settled"),
    )
    _check(record)
    return record


def _check(record: Record) -> None:
    """Raise ValueError for a record whose parts do not go together."""
    is_waiting = record.state == STATES[0]
    if record.state not in STATES:
        raise ValueError(f"its state is none of {', '.join(STATES)}")
    if not address.is_address(record.address):
        raise ValueError("its address is none")
    if record.key != key_of(record.result, record.address):
        raise ValueError("its key is not that of its result and address")
    if not record.message.isascii() or bool(record.message) != is_waiting:
        raise ValueError("its message is not that of a mail in its state")
    if is_waiting != (record.settled is None):
        raise ValueError("its end is not that of a mail in its state")


def _attempts(found: Mapping[str, Any]) -> tuple[Attempt, ...]:
    listed = found["attempts"]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("'attempts' is no list of objects")
    return tuple(
        Attempt(_moment(one, "at"), _line(one, "reply", REPLY_CHARACTERS))
        for one in listed[-_KEPT_ATTEMPTS:]
    )


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise ValueError(f"'{name}' is no text")
    return value


def _line(found: Mapping[str, Any], name: str, limit: int = 300) -> str:
    value = _text(found, name)
    if len(value) > limit or value != visible_line(value):
        raise ValueError(f"'{name}' is no line of {limit} characters at most")
    return value


def _moment(found: Mapping[str, Any], name: str) -> datetime:
    text = _text(found, name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{name}' is no time") from error
    if at.tzinfo is None or at.year not in _YEARS:
        raise ValueError(f"'{name}' is no time with a zone of the years that osci knows")
    return at.astimezone(UTC)


def _optional(found: Mapping[str, Any], name: str) -> datetime | None:
    return None if found[name] is None else _moment(found, name)
