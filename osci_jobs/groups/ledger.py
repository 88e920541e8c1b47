# SPDX-License-Identifier: Apache-2.0
"""A group's record of every resource made for it, written before each is made."""

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from osci_jobs.errors import InfrastructureError
from osci_jobs.results import files


@dataclass(frozen=True)
class Resource:
    """Something that has to go when the group goes: its kind and its name."""

    kind: str
    name: str


class Ledger:
    """The open ledger of one group; whoever has it open and locked owns the group.

    The lock is the kernel's: it goes with its owner, however that one died, so
    a ledger that can be locked belongs to nobody who is alive.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self._run = run
        self._file: TextIO | None = None

    def open(self) -> None:
        """Open and lock the ledger; raise InfrastructureError when another command has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise InfrastructureError(
                f"The group '{self.path.stem}' is in use by another osci command."
            ) from None
        file.seek(0)
        if file.read()[-1:] not in ("", "\n"):
            file.write("\n")  # a crash tore the last line; the next one is not to go with it
        self._file = file

    def close(self) -> None:
        """Give the group up; its resources stay as the ledger lists them."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def record(self, act: str, kind: str = "", name: str = "") -> None:
        """Append one line and sync it, so that no act is ahead of its record."""
        line = {
            "act": act,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "marker": os.getpid(),
            "name": name,
            "run": self._run,
        }
        assert self._file, "the ledger is not open"
        self._file.write(json.dumps(line, sort_keys=True) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def remove(self) -> None:
        """Remove the file: the group is gone."""
        self.path.unlink(missing_ok=True)
        self.close()


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a ledger; a last line torn by a crash is left out."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def resources(path: Path) -> list[Resource]:
    """Return what the group has, the last made first."""
    made = [Resource(line["kind"], line["name"]) for line in lines(path) if line["act"] == "make"]
    return list(dict.fromkeys(reversed(made)))


def is_owned(path: Path) -> bool:
    """Tell whether a command that is alive has the ledger open."""
    return files.is_locked(path)


def is_kept(path: Path) -> bool:
    """Tell whether the group is to outlive the command that made it."""
    return any(line["act"] == "keep" for line in lines(path))
