# SPDX-License-Identifier: Apache-2.0
"""Rows of a stranger's text, in columns for a terminal."""

from collections.abc import Sequence

from osci_jobs.results.escape import clip, visible_line

_CELL_CHARACTERS = 60


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row; every cell but the last is clipped, and padded to its column."""
    shown = [[*map(_clipped, row[:-1]), visible_line(row[-1])] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]


def _clipped(cell: str) -> str:
    return clip(visible_line(cell), _CELL_CHARACTERS)
