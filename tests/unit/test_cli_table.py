# SPDX-License-Identifier: Apache-2.0
"""Tests of rows in columns."""

from osci_jobs.cli.table import table


def test_cells_are_padded_to_their_columns():
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]


def test_without_rows_there_are_no_lines():
    assert table([]) == []


def test_hostile_cells_stay_in_their_line_and_the_last_one_is_whole():
    (line,) = table([("\x1b[31m\n", "x" * 100, "y" * 100)])
    assert line == r"\x1b[31m\n" + "  " + "x" * 59 + "…  " + "y" * 100
