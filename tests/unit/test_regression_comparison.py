# SPDX-License-Identifier: Apache-2.0
"""Tests of comparisons: what is worse, what is better, and what nobody can tell."""

from dataclasses import replace

import numpy as np
import pytest
from regressions import answers, scaled, swapped, time, times

from osci_jobs.regression import history
from osci_jobs.regression.comparison import LEAST, compare, undecided
from osci_jobs.regression.model import History, gather

CHANGED = tuple(range(0, 200, 20))
SLOWER = {f"time-{n}": "worse" for n in CHANGED}


@pytest.fixture(scope="module")
def slower():
    """Two hundred times, ten of which are slower."""
    return times(200, 5, changed=CHANGED)


@pytest.fixture(scope="module")
def earlier():
    return history.fold(History(), times(200, 30, seed=2))


def relative(comparison):
    return np.array([one.effect for one in comparison.findings])


def test_what_is_slower_is_worse_and_nothing_else_is(slower):
    found = compare(slower, True)
    assert answers(found) == SLOWER
    assert found.tested == 200
    assert {one.how for one in found.findings} == {"moderated t"}


def test_the_interval_holds_the_change_and_not_nothing(slower):
    for one in compare(slower, True).findings:
        if one.answer == "worse":
            assert 0 < one.low < one.effect < one.high
            assert one.effect == pytest.approx(0.3, abs=0.12)
            assert one.p <= one.q <= 0.05


def test_intervals_hold_no_change_in_nineteen_of_twenty_where_there_is_none():
    found = compare(times(400, 5, seed=5), True).findings
    assert 0.92 < np.mean([one.low <= 0 <= one.high for one in found]) < 0.98


def test_the_smallest_change_that_is_told_would_have_been_seen():
    metrics = times(200, 5, seed=3)
    told = np.median([one.smallest for one in compare(metrics, True).findings])
    seen = times(200, 5, seed=3, changed=CHANGED, factor=1 + told)
    assert len(answers(compare(seen, True))) >= 7
    assert told >= LEAST


def test_a_rate_that_falls_is_worse(slower):
    rates = [replace(metric, direction="higher") for metric in slower]
    assert answers(compare(rates, True)) == dict.fromkeys(SLOWER, "better")


def test_of_neither_direction_it_is_told_that_there_is_a_change(slower):
    logged = [replace(metric, direction="neither") for metric in slower]
    found = compare(logged, True)
    assert answers(found) == {}
    changed = {one.name: one.reason for one in found.findings if one.is_changed}
    assert changed == dict.fromkeys(SLOWER, "neither direction is better")


def test_a_change_below_the_floor_is_of_no_interest(slower):
    metrics = [replace(metric, floor=0.9 * min(metric.before)) for metric in slower]
    found = compare(metrics, True)
    assert not any(one.is_changed for one in found.findings)
    assert found.findings[0].reason == "it changed by less than its floor"


def test_a_change_of_less_than_five_percent_is_not_reported():
    assert answers(compare(times(50, 5, spread=1e-3, changed=(1, 2), factor=1.04), True)) == {}


def test_what_was_not_measured_in_turns_is_indicative(slower):
    found = compare(slower, False)
    assert answers(found) == {}
    assert found.is_indicative
    assert found.findings[0].effect == compare(slower, True).findings[0].effect
    assert found.findings[0].reason == "the sides were not measured in turns"


def test_one_pair_tells_nothing_of_a_time_without_its_history(slower, earlier):
    single = [replace(one, before=one.before[:1], after=one.after[:1]) for one in slower]
    assert answers(compare(single, True)) == {}
    with_history = compare(single, True, earlier)
    assert len(answers(with_history).keys() & SLOWER.keys()) >= 8
    assert {one.how for one in with_history.findings} == {"history"}


def test_three_pairs_and_a_history_find_what_is_slower(slower, earlier):
    few = [replace(one, before=one.before[:3], after=one.after[:3]) for one in slower]
    assert answers(compare(few, True, earlier)) == SLOWER


def test_a_history_that_is_noisier_asks_for_more(slower):
    noisy = history.fold(History(), times(200, 30, seed=2, spread=0.4))
    assert answers(compare(slower, True, noisy)) == {}


def test_noise_that_grew_since_the_history_is_no_change(earlier):
    noisy = times(200, 3, seed=6, spread=0.2)
    assert answers(compare(noisy, True, earlier)) == {}


def test_a_metric_without_history_is_judged_beside_those_that_have_one(slower, earlier):
    short = {**earlier.ratios, "time-0": earlier.ratios["time-0"][:5]}
    found = compare(slower, True, History(short))
    assert found.findings[0].how == "paired t"
    assert found.findings[1].how == "history"


def test_few_metrics_are_judged_each_for_itself():
    found = compare(times(3, 8, changed=(1,), factor=1.5), True)
    assert answers(found) == {"time-1": "worse"}
    assert {one.how for one in found.findings} == {"paired t"}


def test_each_of_several_looks_asks_for_more(slower):
    once, often = compare(slower, True), compare(slower, True, looks=20)
    assert set(answers(often)) <= set(answers(once))
    assert all(
        one.smallest <= other.smallest
        for one, other in zip(once.findings, often.findings, strict=True)
    )


def test_looking_often_finds_nothing_where_nothing_is():
    """Whoever stops at the first answer errs no more often for it."""
    wrong = 0
    for seed in range(40):
        metrics = times(60, 6, seed=seed, spread=0.1)
        cut = [
            [replace(one, before=one.before[:n], after=one.after[:n]) for one in metrics]
            for n in (2, 3, 4, 5, 6)
        ]
        wrong += any(answers(compare(few, True, looks=len(cut))) for few in cut)
    assert wrong <= 4


def test_undecided_is_what_more_pairs_could_decide(slower):
    found = compare(slower, True)
    assert undecided(found, 0.01) == tuple(
        one.name for one in found.findings if one.answer == "cannot tell"
    )
    assert undecided(found, 5.0) == ()


# Properties: what has to hold of any input.


def test_units_do_not_matter(slower):
    metrics = [replace(one, floor=0.001) for one in slower]
    found = compare(metrics, True)
    other = compare([scaled(one, 1000.0) for one in metrics], True)
    assert answers(found) == answers(other)
    assert relative(other) == pytest.approx(relative(found))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_metrics_does_not_matter(slower, earlier, seed):
    order = np.random.default_rng(seed).permutation(len(slower))
    for known in (None, earlier):
        found = {one.name: one for one in compare(slower, True, known).findings}
        for one in compare([slower[n] for n in order], True, known).findings:
            assert one.answer == found[one.name].answer
            assert one.effect == pytest.approx(found[one.name].effect)
            assert one.p == pytest.approx(found[one.name].p)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_pairs_does_not_matter(slower, earlier, seed):
    order = np.random.default_rng(seed).permutation(5)
    other = [
        replace(
            one,
            before=tuple(one.before[n] for n in order),
            after=tuple(one.after[n] for n in order),
        )
        for one in slower
    ]
    for known in (None, earlier):
        found, shuffled = compare(slower, True, known), compare(other, True, known)
        assert answers(found) == answers(shuffled)
        assert relative(shuffled) == pytest.approx(relative(found))


def test_the_other_way_round_worse_is_better(slower, earlier):
    back = {name: tuple(-one for one in ratios) for name, ratios in earlier.ratios.items()}
    for known, inverse in ((None, None), (earlier, History(back))):
        found = compare(slower, True, known)
        other = compare([swapped(one) for one in slower], True, inverse)
        assert answers(other) == dict.fromkeys(answers(found), "better")
        assert 1 + relative(other) == pytest.approx(1 / (1 + relative(found)))


@pytest.mark.parametrize("count", [200, 120, 60, 30])
def test_what_is_slower_among_many_is_so_among_few(slower, count):
    expected = {name for name in SLOWER if int(name.split("-")[1]) < count}
    assert set(answers(compare(slower[:count], True))) == expected


def test_the_same_input_gives_the_same_comparison(slower, earlier):
    assert compare(slower, True, earlier) == compare(slower, True, earlier)


def test_more_pairs_see_less():
    smallest = [
        np.median([one.smallest for one in compare(times(100, pairs), True).findings])
        for pairs in (3, 5, 10, 20)
    ]
    assert smallest == sorted(smallest, reverse=True)


def test_sides_that_measured_other_metrics_are_gathered():
    declared = [time(name, (), ()) for name in ("both", "gone", "new")]
    before = [{"both": 1.0, "gone": 2.0}, {"both": 1.1, "gone": 2.1}]
    after = [{"both": 1.0, "new": 3.0}, {"both": 1.2}]
    metrics = gather(declared, before, after)
    assert metrics[2].after == (3.0, None)
    reasons = [one.reason for one in compare(metrics, True).findings]
    assert reasons == ["", "the second side has no number", "the first side has no number"]
