# SPDX-License-Identifier: Apache-2.0
"""The mails that wait or have been sent: a directory with a file for each."""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from osci_jobs.errors import InfrastructureError
from osci_jobs.mail import record
from osci_jobs.mail.record import Record
from osci_jobs.results import files
from osci_jobs.results.escape import visible_line

DIRECTORY = "outbox"  # in the directory of osci's state
LOCK = "lock"
# That a mail is sent once holds as long as its record is there.
KEPT = timedelta(days=30)

_FILE = re.compile(rf"[0-9a-f]{{{record.KEY_CHARACTERS}}}\.json")
_RECORD_BYTES = 32 << 20
_LOCK_SECONDS = 30.0
_LOCK_PAUSE_SECONDS = 0.1
_LEFTOVER = timedelta(days=1)


@dataclass(frozen=True)
class Damaged:
    """A file that is no record of a mail, and why."""

    file: str
    reason: str


def create(directory: Path, one: Record) -> bool:
    """Put a mail in, whole and on disk; tell whether it was not there yet.

    Safe to repeat and to do while mails are sent. Raises InfrastructureError.
    """
    _make(directory)
    return files.create_text(_path(directory, one.key), record.dump(one))


def save(directory: Path, one: Record) -> None:
    """Write a mail's record anew, whole and on disk; only for who holds the lock."""
    files.write_text(_path(directory, one.key), record.dump(one))


def load(directory: Path) -> tuple[list[Record], list[Damaged]]:
    """Return all mails, the oldest first, and the files that are none.

    Raises InfrastructureError when the directory cannot be read; one that is not there is
    empty.
    """
    records, damaged = [], []
    for path in _files(directory):
        try:
            records.append(_read(path))
        except FileNotFoundError:
            continue  # it was dropped meanwhile
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            damaged.append(Damaged(visible_line(path.name), visible_line(reason)))
    return sorted(records, key=lambda one: (one.created, one.key)), damaged


def is_empty(directory: Path) -> bool:
    """Tell whether there is no mail, sound or damaged; raises as `load` does."""
    return not _files(directory)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the right to change records; the kernel frees it however its owner dies.

    Raises InfrastructureError when another command has it for half a minute.
    """
    _make(directory)
    try:
        file = (directory / LOCK).open("w")
    except OSError as error:
        raise _unusable(directory, error) from error
    with file:
        end = time.monotonic() + _LOCK_SECONDS
        while not _is_taken(file.fileno()):
            if time.monotonic() > end:
                raise InfrastructureError(
                    f"The outbox '{directory}' is in use by another osci command."
                )
            time.sleep(_LOCK_PAUSE_SECONDS)
        yield


def drop(directory: Path, key: str) -> None:
    """Remove one mail; only for who holds the lock, and safe to repeat."""
    _remove(_path(directory, key))


def prune(directory: Path, now: datetime) -> None:
    """Remove mails that came to their end long ago, and what was never written whole.

    Only for who holds the lock; safe to repeat.
    """
    for one in load(directory)[0]:
        if one.settled and one.settled + KEPT < now:
            drop(directory, one.key)
    for path in directory.glob(".*.json.*"):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < (now - _LEFTOVER).timestamp():
                _remove(path)


def _make(directory: Path) -> None:
    """Make the directory, for its owner alone: mails are letters."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(directory, error) from error


def _files(directory: Path) -> list[Path]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(directory, error) from error
    return [directory / name for name in sorted(names) if _is_record(name)]


def _is_record(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _unusable(directory: Path, error: OSError) -> InfrastructureError:
    return InfrastructureError(
        f"The outbox '{directory}' cannot be used: {error.strerror}; "
        "name another place with --state-dir or OSCI_STATE_DIR."
    )


def _path(directory: Path, key: str) -> Path:
    return directory / f"{key}.json"


def _read(path: Path) -> Record:
    if not _FILE.fullmatch(path.name):
        raise ValueError("its name is none of a mail")
    content, is_cut = files.read_capped(path, _RECORD_BYTES)
    if is_cut:
        raise ValueError(f"it is larger than {_RECORD_BYTES >> 20} MiB")
    found = record.load(content)
    if found.key != path.stem:
        raise ValueError("its name is that of another mail")
    return found


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InfrastructureError(f"'{path}' cannot be removed: {error.strerror}.") from error
