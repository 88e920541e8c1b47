# SPDX-License-Identifier: Apache-2.0
"""Sending what waits: when, how often, and what becomes of each mail."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from osci_jobs.mail import outbox, password, smtp
from osci_jobs.mail.record import Record, moment
from osci_jobs.mail.settings import Limits, Settings
from osci_jobs.mail.smtp import Answer, Envelope

# Before each further attempt; the last one stays.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60))
# After its first attempt a mail is tried no longer than this.
PATIENCE = timedelta(days=1)

# When a mail was sent, and to which address.
Sent = tuple[datetime, str]

SHOWN_CHARACTERS = 12  # of a key, which tell it from all others

_ENDS = {smtp.ACCEPTED: "sent", smtp.REFUSED: "refused"}
_HOUR = timedelta(hours=1)
_UNKNOWN = "osci ended before the server's answer was known"


@dataclass(frozen=True)
class Outcome:
    """What became of a mail: its state, why in words, and when it is tried next ("": never)."""

    key: str
    result: str
    address: str
    subject: str
    state: str
    reply: str
    next_attempt: str


def send_due(
    settings: Settings,
    directory: Path,
    now: Callable[[], datetime],
    say: Callable[[str], None],
    *,
    is_early: bool = False,
) -> list[Outcome]:
    """Send what is due in the outbox, with `is_early` all that waits; say each outcome.

    Mails that have been kept long enough are removed. Safe to repeat, and to be killed.
    Raises ConfigurationError when the server cannot be used as the settings say (all mails
    stay as they are), InfrastructureError when disk or lock fail.
    """
    if outbox.is_empty(directory):
        return []
    with outbox.locked(directory):
        outbox.prune(directory, now())
        records, _ = outbox.load(directory)
        waiting = [one for one in records if one.state == "waiting"]
        due = [one for one in waiting if is_early or one.next_attempt <= now()]
        if not due:
            return []
        due.sort(key=lambda one: one.next_attempt)
        secret = password.read(settings)
        delivery = _Delivery(settings, secret, directory, now, say, _sent(records))
        return [delivery.try_one(one) for one in due]


def next_attempt(directory: Path) -> datetime | None:
    """Return when the next of the mails that wait is due; None when none waits."""
    records, _ = outbox.load(directory)
    return min((one.next_attempt for one in records if one.state == "waiting"), default=None)


def free_at(limits: Limits, sent: Iterable[Sent], address: str, now: datetime) -> datetime:
    """Return when one more mail may go to the address: now, or when the limits allow it.

    What was sent in the future, by a clock that was wrong, does not count.
    """
    recent = sorted((at, to.lower()) for at, to in sent if now - _HOUR < at <= now)
    to_it = [at for at, to in recent if to == address.lower()]
    in_all = [at for at, _ in recent]
    return max(_free(to_it, limits.address_hour, now), _free(in_all, limits.hour, now))


def _sent(records: Iterable[Record]) -> list[Sent]:
    return [(one.settled, one.address) for one in records if one.settled and one.state == "sent"]


def _free(times: list[datetime], limit: int, now: datetime) -> datetime:
    return now if len(times) < limit else times[-limit] + _HOUR


class _Delivery:
    """One pass over mails that are due, by who holds the lock on the outbox."""

    def __init__(
        self,
        settings: Settings,
        secret: str,
        directory: Path,
        now: Callable[[], datetime],
        say: Callable[[str], None],
        sent: list[Sent],
    ):
        self._settings = settings
        self._secret = secret
        self._directory = directory
        self._now = now
        self._say = say
        self._sent = sent
        self._trouble: Answer | None = None  # of the server, with which no mail gets on

    def try_one(self, one: Record) -> Outcome:
        """Send one mail, or put it off."""
        now = self._now()
        free = free_at(self._settings.limits, self._sent, one.address, now)
        if free > now:
            return self._put_off(one, free)
        if one.handed_over:
            one = one.tried(one.handed_over, _UNKNOWN, one.next_attempt)
        if self._trouble:
            return self._settle(one, self._trouble)
        return self._deliver(one)

    def _deliver(self, one: Record) -> Outcome:
        found: list[Outcome] = []
        smtp.deliver(
            self._settings,
            self._secret,
            Envelope(self._settings.sender, one.address, one.message.encode("ascii")),
            hand_over=lambda: outbox.save(self._directory, replace(one, handed_over=self._now())),
            settle=lambda answer: found.append(self._settle(one, answer)),
        )
        return found[0]

    def _settle(self, one: Record, answer: Answer) -> Outcome:
        after = _after(one, answer, self._now())
        outbox.save(self._directory, after)
        if after.settled and after.state == "sent":
            self._sent.append((after.settled, after.address))
        if answer.is_of_server:
            self._trouble = answer
        return self._told(after, answer.reply)

    def _put_off(self, one: Record, until: datetime) -> Outcome:
        outbox.save(self._directory, replace(one, next_attempt=until))
        limits = self._settings.limits
        reply = (
            f"{limits.address_hour} an hour to an address and {limits.hour} in all are the limit"
        )
        return self._told(replace(one, next_attempt=until), reply)

    def _told(self, one: Record, reply: str) -> Outcome:
        self._say(f"{one.key[:SHOWN_CHARACTERS]} to {one.address}: {one.state}: {reply}")
        return Outcome(
            key=one.key,
            result=one.result,
            address=one.address,
            subject=one.subject,
            state=one.state,
            reply=reply,
            next_attempt="" if one.settled else moment(one.next_attempt),
        )


def _after(one: Record, answer: Answer, now: datetime) -> Record:
    """Return the record of a mail after this answer."""
    if answer.kind in _ENDS:
        return one.ended(_ENDS[answer.kind], now, answer.reply)
    first = one.attempts[0].at if one.attempts else now
    if now - first >= PATIENCE:
        return one.ended("expired", now, answer.reply)
    wait = WAITS[min(len(one.attempts), len(WAITS) - 1)]
    return one.tried(now, answer.reply, now + wait)
