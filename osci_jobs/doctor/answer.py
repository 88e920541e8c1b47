# SPDX-License-Identifier: Apache-2.0
"""What a check is asked about, and what it answers."""

from dataclasses import dataclass
from pathlib import Path

OK, NOTE, TROUBLE = "ok", "note", "trouble"


@dataclass(frozen=True)
class Places:
    """Where osci keeps what it needs and makes."""

    state: Path
    cache: Path
    output: Path


@dataclass(frozen=True)
class Answer:
    """A check's sentence; a note or trouble has a second one that says what to do."""

    outcome: str  # ok, note, trouble
    message: str
    remedy: str = ""
