# SPDX-License-Identifier: Apache-2.0
"""The failing line of a log in its context."""

import re
from dataclasses import dataclass

from osci_jobs.results.escape import clip, visible_line
from osci_jobs.results.record import Cause

BEFORE = 8
AFTER = 4
CHARACTERS = 500  # of one line of the context; the failing line is shown whole
# What stands before each line of a journal, and again before each line that
# oslo.log writes into it, is cut down to time and process; the log itself has it all.
_HEAD = re.compile(
    r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\S* \S+ (\S+: )"
    r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \d+ )?"
)


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    text: str
    is_failing: bool


def excerpt(cause: Cause) -> tuple[Line, ...]:
    """Return the lines around the failing line of `cause`, which is marked.

    A failing line that its context does not hold follows after it.
    """
    lines = [line.strip() for line in cause.line.splitlines() if line.strip()]
    place = _find(cause.context, lines[-1]) if lines else None
    if place is None:
        context = cause.context[-(BEFORE + AFTER) :]
        return (*map(_context, context), *failing(cause))
    around = cause.context[max(place - BEFORE, 0) : place + AFTER + 1]
    mark = min(place, BEFORE)
    return tuple(
        _failing(line) if number == mark else _context(line) for number, line in enumerate(around)
    )


def failing(cause: Cause) -> tuple[Line, ...]:
    """Return the failing line of `cause` alone."""
    return tuple(_failing(line) for line in cause.line.splitlines() if line.strip())


def _find(context: tuple[str, ...], wanted: str) -> int | None:
    """Return the index of the last line that is, or else has, the failing one."""
    same = [number for number, line in enumerate(context) if line.strip() == wanted]
    like = [number for number, line in enumerate(context) if wanted in line]
    return next(reversed(same or like), None)


def _failing(line: str) -> Line:
    return Line(_text(line), True)


def _context(line: str) -> Line:
    return Line(clip(_text(line), CHARACTERS), False)


def _text(line: str) -> str:
    return visible_line(_HEAD.sub(r"\1 \2", line.rstrip("\r\n")))
