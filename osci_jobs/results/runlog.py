# SPDX-License-Identifier: Apache-2.0
"""The run log: what a run did, one JSON line an event, on disk before the next step."""

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.results import files
from osci_jobs.results.event import EVENTS, is_sound

Event = Mapping[str, Any]

_SYNCED = set(EVENTS) - {"step", "host", "suite_ended"}


def _now() -> datetime:
    return datetime.now(UTC)


class RunLog:
    """The open log of one run; every thread of the run may append to it.

    A run has a log of its own: ConfigurationError when `path` is there already.
    `listener` gets each event once it is written, one at a time and in order; it
    must not append. The file is locked while the log is open: `is_open` tells.
    """

    def __init__(
        self,
        path: Path,
        listener: Callable[[Event], None] | None = None,
        *,
        now: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._listener = listener
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._phase = ""
        self._file = _create(path)
        self._origin = monotonic()

    def append(self, event: str, *, phase: str | None = None, **fields: Any) -> None:
        """Append `event` with the `fields` that EVENTS declares for it.

        `phase` is needed by phase_started only; other events belong to the phase
        that is open. Raises InfrastructureError when the disk refuses.
        """
        _check(event, phase, fields)
        with self._lock:
            self._phase = self._phase if phase is None else phase
            line = self._line(event, fields)
            self._write(json.dumps(line), synced=event in _SYNCED)
            if event == "phase_ended":
                self._phase = ""
            if self._listener:
                self._listener(line)

    def close(self) -> None:
        """Close the file; what was appended is on disk already. Safe to repeat."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, event: str, fields: dict[str, Any]) -> dict[str, Any]:
        at = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        seconds = round(self._monotonic() - self._origin, 3)
        head = {"at": at.replace("+00:00", "Z"), "seconds": seconds}
        return {**head, "phase": self._phase, "event": event, **fields}

    def _write(self, line: str, *, synced: bool) -> None:
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            if synced:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise InfrastructureError(
                f"The run log '{self.path}' could not be written: {error.strerror}."
            ) from error


def iter_events(path: Path) -> Iterator[Event]:
    """Yield the events of the run log at `path` in order; a torn last line is left out.

    Raises ConfigurationError when there is no log, and InfrastructureError when
    a line before the last is damaged.
    """
    try:
        file = files.open_regular(path)
    except OSError as error:
        raise ConfigurationError(
            f"The run log '{path}' cannot be read: {error.strerror}."
        ) from error
    with file:
        torn = 0
        for number, line in enumerate(file, start=1):
            if torn:
                raise InfrastructureError(f"Line {torn} of the run log '{path}' is damaged.")
            event = _parse(line)
            if event is None:
                torn = number
            else:
                yield event


def is_open(path: Path) -> bool:
    """Tell whether the run of the log at `path` is still going on, by the kernel's lock."""
    return files.is_locked(path)


def _create(path: Path) -> Any:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
    except FileExistsError as error:
        raise ConfigurationError(
            f"There is a run log at '{path}' already: each run needs a directory of its own."
        ) from error
    except OSError as error:
        raise InfrastructureError(
            f"The run log '{path}' could not be made: {error.strerror}."
        ) from error
    # A file system without locks has no way to tell that a run goes on; that is no reason to stop.
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _check(event: str, phase: str | None, fields: dict[str, Any]) -> None:
    declared = EVENTS[event]
    required = {name for name in declared if not name.endswith("?")}
    allowed = {name.removesuffix("?") for name in declared}
    if not required <= fields.keys() <= allowed:
        raise TypeError(f"{event} has the fields {declared}, not {sorted(fields)}")
    if event == "phase_started" and not phase:
        raise TypeError("phase_started needs a phase")


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if is_sound(event) else None
