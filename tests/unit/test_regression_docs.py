# SPDX-License-Identifier: Apache-2.0
"""Tests that docs/regression.md says what the program does."""

import re
from pathlib import Path

from osci_jobs.regression import comparison, history, noise, pairs
from osci_jobs.regression.model import DIRECTIONS, KINDS
from osci_jobs.regression.statistics import MANY

PAGE = (Path(__file__).parents[2] / "docs" / "regression.md").read_text("utf-8")


def test_the_columns_are_those_of_a_file_of_pairs():
    table = PAGE.split("| column |", 1)[1].split("\n\n", 1)[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.M)) == pairs.COLUMNS


def test_directions_and_kinds_are_those_that_are_read():
    for name in (*DIRECTIONS, *KINDS):
        assert f"`{name}`" in PAGE


def test_the_limits_are_those_that_hold():
    assert f"{comparison.LEVEL:.0%} is the limit".replace("%", " %") in PAGE
    assert f"by at least {comparison.LEAST:.0%}".replace("%", " %") in PAGE
    assert f"`format` {history.FORMAT}" in PAGE
    assert f"last {history.KEPT} log-ratios" in PAGE
    assert f"those with {noise.ENOUGH_HISTORY} earlier pairs" in PAGE
    assert noise.MOST_GROWTH == 2 and "variances have more than doubled" in PAGE
    assert f"where {MANY} or more vary" in PAGE
