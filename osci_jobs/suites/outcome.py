# SPDX-License-Identifier: Apache-2.0
"""How a suite's command ended, read from the `outcome.json` that came back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osci_jobs.errors import OsciError
from osci_jobs.results import files

NAME = "outcome.json"
ENDS = ("exit", "signal", "time", "silence")
_FILE_BYTES = 4096
_EXIT_CODES = range(256)


class MalformedOutcomeError(OsciError):
    """A suite left nothing that tells how it ended."""

    verdict = "failure"


@dataclass(frozen=True)
class Outcome:
    """How a suite's command ended: by itself, by a signal, or at a limit.

    `exit_code` is 128 and the signal's number when a signal ended it.
    """

    ended: str  # exit, signal, time, silence
    exit_code: int
    seconds: float


def outcome(directory: Path) -> Outcome:
    """Return how the suite ended whose output is in `directory`; raise MalformedOutcomeError."""
    path = directory / NAME
    try:
        content, is_cut = files.read_capped(path, _FILE_BYTES)
    except OSError as error:
        raise MalformedOutcomeError(
            f"The outcome in '{path}' cannot be read: {error.strerror}.", file=str(path)
        ) from error
    found = None if is_cut else _parse(content)
    if found is None:
        raise MalformedOutcomeError(f"'{path}' tells no outcome.", file=str(path))
    return found


def _parse(content: bytes) -> Outcome | None:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.keys() != {"ended", "exit_code", "seconds"}:
        return None
    is_good = (
        fields["ended"] in ENDS
        and type(fields["exit_code"]) is int
        and fields["exit_code"] in _EXIT_CODES
        and _is_duration(fields["seconds"])
    )
    return Outcome(fields["ended"], fields["exit_code"], fields["seconds"]) if is_good else None


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")
