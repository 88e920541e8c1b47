# SPDX-License-Identifier: Apache-2.0
"""Tests of what all times do together: said once, and taken off each."""

from dataclasses import replace

import pytest
from regressions import answers, counter, times

from osci_jobs.regression.comparison import compare


def test_a_slower_machine_is_said_once():
    metrics = times(150, 5, changed=range(150), factor=1.25)
    found = compare(metrics, True)
    assert answers(found) == {}
    together = found.together
    assert together.is_real
    assert together.low < together.effect < together.high
    assert together.effect == pytest.approx(0.25, abs=0.02)
    assert together.moved == together.tested == 150


def test_what_moved_further_than_the_others_is_worse():
    metrics = times(150, 5, changed=range(150), factor=1.25)
    slow = replace(metrics[3], after=tuple(1.4 * value for value in metrics[3].after))
    found = compare([*metrics[:3], slow, *metrics[4:]], True)
    assert answers(found) == {"time-3": "worse"}
    assert found.findings[3].effect == pytest.approx(0.4, abs=0.15)


def test_what_stayed_while_the_others_got_slower_is_not_better():
    found = compare(times(150, 5, changed=range(110), factor=1.25), True)
    assert found.together.is_real
    assert found.together.moved == 110
    assert answers(found) == {}


def test_what_stayed_while_the_others_got_quicker_is_not_worse():
    found = compare(times(150, 5, changed=range(110), factor=0.75), True)
    assert found.together.is_real
    assert answers(found) == {}


def test_a_fifth_of_the_metrics_is_not_all_of_them():
    metrics = times(150, 5, changed=range(30), factor=1.25)
    found = compare(metrics, True)
    assert not found.together.is_real
    assert answers(found) == {f"time-{n}": "worse" for n in range(30)}


def test_drift_from_pair_to_pair_hides_nothing():
    drift = (1.0, 1.3, 0.8, 1.2, 0.7)
    metrics = [
        replace(one, after=tuple(a * b for a, b in zip(one.after, drift, strict=True)))
        for one in times(150, 5, changed=(1, 2))
    ]
    found = compare(metrics, True)
    assert not found.together.is_real
    assert answers(found) == {"time-1": "worse", "time-2": "worse"}


def test_little_that_all_do_is_not_worth_a_word():
    found = compare(times(150, 5, changed=range(150), factor=1.03), True)
    assert not found.together.is_real
    assert answers(found) == {}


def test_of_few_metrics_each_speaks_for_itself():
    found = compare(times(6, 8, changed=range(6), factor=1.5), True)
    assert found.together is None
    assert len(answers(found)) == 6


def test_counters_do_not_move_with_the_machine():
    metrics = [
        *times(50, 5, changed=range(50), factor=1.25),
        *(counter(f"counter-{n}", (100.0,) * 5, (120.0,) * 5) for n in range(30)),
    ]
    found = compare(metrics, True)
    assert found.together.tested == 50
    assert set(answers(found)) == {f"counter-{n}" for n in range(30)}
