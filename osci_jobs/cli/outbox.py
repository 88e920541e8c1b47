# SPDX-License-Identifier: Apache-2.0
"""`osci outbox`: the mails that wait to go out."""

import argparse
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osci_jobs import mail
from osci_jobs.cli import aside
from osci_jobs.cli.table import table
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import outbox, password, record, settings
from osci_jobs.mail.delivery import SHOWN_CHARACTERS, Outcome
from osci_jobs.mail.outbox import Damaged
from osci_jobs.mail.record import Record
from osci_jobs.mail.settings import Settings
from osci_jobs.results import verdict
from osci_jobs.results.escape import visible_line

# Others may post meanwhile.
_LONGEST_WAIT_SECONDS = 60.0


def call(asked: argparse.Namespace) -> int:
    """List, send or drop mails."""
    _check(asked)
    return _ACTS[asked.act](asked)


def _list(asked: argparse.Namespace) -> int:
    records, damaged = outbox.load(_directory(asked))
    shown = [one for one in records if asked.all or one.state != "sent"]
    if asked.json:
        _print({"mails": [_plain(one) for one in shown], "damaged": _listed(damaged)})
        return 0
    print("\n".join(table([_cells(one) for one in shown])), end="\n" if shown else "")
    _tell_damaged(damaged)
    return 0


def _send(asked: argparse.Namespace) -> int:
    """Send what is due; exit 3 when something did not go out."""
    found = settings.find(asked.mail_conf, os.environ, Path.home())
    if warning := password.warning(found):
        aside.say(warning)
    directory = _directory(asked)
    if asked.dry_run:
        return _print_due(asked, directory)
    outcomes = _sent(asked, found, directory)
    records, damaged = outbox.load(directory)
    _tell_damaged(damaged)
    if asked.json:
        waiting = sum(one.state == "waiting" for one in records)
        mails = [asdict(one) for one in outcomes]
        _print({"mails": mails, "waiting": waiting, "damaged": _listed(damaged)})
    is_done = not damaged and all(one.state == "sent" for one in outcomes)
    return verdict.exit_code("success" if is_done else "infrastructure")


def _drop(asked: argparse.Namespace) -> int:
    directory = _directory(asked)
    if asked.dry_run:
        keys = _unsent(asked, directory)
    else:
        with outbox.locked(directory):
            keys = _unsent(asked, directory)
            for key in keys:
                outbox.drop(directory, key)
    if asked.json:
        _print({"would_drop" if asked.dry_run else "dropped": keys})
    else:
        for key in keys:
            print(f"{'would drop' if asked.dry_run else 'dropped'} {key}")
    return 0


_ACTS = {"list": _list, "send": _send, "drop": _drop}


def _check(asked: argparse.Namespace) -> None:
    """Raise ConfigurationError for words that do not go together."""
    act = asked.act
    for option, is_there, acts in (
        ("KEY", asked.keys, ("drop",)),
        ("--all", asked.all, ("list", "drop")),
        ("--now", asked.now, ("send",)),
        ("--wait", asked.wait, ("send",)),
        ("--dry-run", asked.dry_run, ("send", "drop")),
    ):
        if is_there and act not in acts:
            raise ConfigurationError(f"'{option}' is for 'osci outbox {' and '.join(acts)}' alone.")
    if act == "drop" and bool(asked.keys) == asked.all:
        raise ConfigurationError("What is to be dropped? Expected keys, or '--all'.")


def _directory(asked: argparse.Namespace) -> Path:
    return asked.state_dir / outbox.DIRECTORY


def _sent(asked: argparse.Namespace, found: Settings, directory: Path) -> list[Outcome]:
    """Send once or until nothing waits; return the last outcome of each mail."""
    outcomes: dict[str, Outcome] = {}
    is_early = asked.now
    while True:
        for one in mail.send_due(found, directory, _now, aside.say, is_early=is_early):
            outcomes[one.key] = one
        upcoming = mail.next_attempt(directory)
        if not asked.wait or upcoming is None:
            return list(outcomes.values())
        is_early = False
        seconds = max((upcoming - _now()).total_seconds(), 0)
        time.sleep(min(seconds, _LONGEST_WAIT_SECONDS))


def _print_due(asked: argparse.Namespace, directory: Path) -> int:
    now = _now()
    waiting = [one for one in outbox.load(directory)[0] if one.state == "waiting"]
    due = [one for one in waiting if asked.now or one.next_attempt <= now]
    if asked.json:
        _print({"would_send": [one.key for one in due]})
    else:
        for one in due:
            print(f"would send {one.key} to {one.address}")
    return 0


def _unsent(asked: argparse.Namespace, directory: Path) -> list[str]:
    """Return the keys of what is to be dropped; raises for a key that is none, or was sent."""
    records, damaged = outbox.load(directory)
    unsent = [one.key for one in records if one.state != "sent"]
    if asked.all:
        return unsent
    # Of a damaged file nobody knows whether it was sent, so it has to be named.
    known = unsent + [Path(one.file).stem for one in damaged]
    return list(dict.fromkeys(_whole(word, known) for word in asked.keys))


def _whole(word: str, known: list[str]) -> str:
    found = [key for key in known if key.startswith(word)]
    if len(found) != 1:
        there = "several mails" if found else "no mail that was not sent"
        raise ConfigurationError(
            f"'{visible_line(word)}' is {there}; 'osci outbox list' shows what there is."
        )
    return found[0]


def _plain(one: Record) -> dict[str, Any]:
    """Return a mail as plain JSON, without its message."""
    plain = json.loads(record.dump(one))
    return {name: value for name, value in plain.items() if name not in ("format", "message")}


def _listed(damaged: Iterable[Damaged]) -> list[dict[str, str]]:
    return [asdict(one) for one in damaged]


def _cells(one: Record) -> tuple[str, ...]:
    when = one.settled or one.next_attempt
    last = one.attempts[-1].reply if one.attempts else "not tried yet"
    key = one.key[:SHOWN_CHARACTERS]
    return (key, one.state, f"{when:%Y-%m-%d %H:%M}", one.address, one.subject, last)


def _tell_damaged(damaged: Iterable[Damaged]) -> None:
    for one in damaged:
        aside.say(f"The mail in '{one.file}' is damaged and not sent: {one.reason}.")


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, sort_keys=True))


def _now() -> datetime:
    return datetime.now(UTC)
