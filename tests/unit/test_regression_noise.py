# SPDX-License-Identifier: Apache-2.0
"""Tests of comparisons on real noise; `benchmarks/regression` has the figures."""

from dataclasses import replace
from pathlib import Path

import pytest
from regressions import answers

from osci_jobs.regression import history, pairs
from osci_jobs.regression.comparison import compare
from osci_jobs.regression.model import History

DATA = Path(__file__).parents[1] / "data" / "regression"
SETS = sorted(path.name for path in DATA.glob("*.csv.gz"))


def cut(metrics, places):
    return [
        replace(
            one,
            before=tuple(one.before[n] for n in places),
            after=tuple(one.after[n] for n in places),
        )
        for one in metrics
    ]


def slower(metrics, factor, step=20):
    """Return the metrics of which each twentieth is slower, and the names of those."""
    names = {one.name for one in metrics[::step]}
    changed = [
        replace(one, after=tuple(factor * value for value in one.after))
        if one.name in names
        else one
        for one in metrics
    ]
    return changed, names


@pytest.mark.parametrize("name", SETS)
def test_noise_is_no_change(name):
    metrics = pairs.read(DATA / name)
    starts = range(0, len(metrics[0].before) - 4, 5)
    wrong = sum(len(answers(compare(cut(metrics, range(n, n + 5)), True))) for n in starts)
    assert wrong <= 1


@pytest.mark.parametrize("name", SETS)
def test_noise_is_no_change_beside_a_history(name):
    metrics = pairs.read(DATA / name)
    count = len(metrics[0].before)
    wrong = 0
    for start in range(0, count - 2, 6):
        window = range(start, start + 3)
        earlier = history.fold(History(), cut(metrics, set(range(count)) - set(window)))
        wrong += len(answers(compare(cut(metrics, window), True, earlier)))
    assert wrong <= 2


def test_a_doubled_time_is_seen_through_light_noise():
    metrics = pairs.read(DATA / "light.csv.gz")
    changed, names = slower(cut(metrics, range(5)), 2.0)
    found = answers(compare(changed, True))
    assert found.keys() <= names
    assert len(found) >= 0.8 * len(names)
