# SPDX-License-Identifier: Apache-2.0
"""Tests of comparisons of what makes no sense: an answer or none, never a made-up number."""

import math
from dataclasses import replace

import numpy as np
import pytest
from regressions import answers, counter, time, times

from osci_jobs.regression import history
from osci_jobs.regression.comparison import compare
from osci_jobs.regression.model import History, Paired

NAN, INFINITY = math.nan, math.inf
SOUND = times(30, 5)


def finding(metric, beside=SOUND, **arguments):
    return compare([*beside, metric], True, **arguments).findings[-1]


def test_nothing_gives_nothing():
    found = compare([], True)
    assert (found.findings, found.tested, found.together) == ((), 0, None)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ((), (), "the first side has no number"),
        ((None,) * 5, (1.0,) * 5, "the first side has no number"),
        ((1.0,) * 5, (NAN,) * 5, "the second side has no number"),
        ((1.0, None), (None, 1.0), "no pair has a number on both sides"),
        ((1.0, -1.0, 1.0), (1.0, 1.0, 1.0), "it has values below zero"),
        ((0.0,) * 5, (1.0,) * 5, "a value of zero has no ratio"),
        ((0.0,) * 5, (0.0,) * 5, "a value of zero has no ratio"),
        ((1.0,), (9.0,), "one pair tells nothing without a history"),
        ((1.0, INFINITY), (9.0, 9.0), "one pair tells nothing without a history"),
    ],
)
def test_what_cannot_be_compared_says_why(before, after, reason):
    found = finding(time("bad", before, after))
    assert (found.answer, found.reason, found.effect) == ("cannot tell", reason, None)


def test_what_is_not_to_be_believed_is_not_judged():
    reason = "the cloud answered errors"
    found = finding(time("quick", (9.0,) * 5, (1.0,) * 5, reason=reason))
    assert (found.answer, found.reason, found.p) == ("cannot tell", reason, None)


def test_where_answers_are_missing_nothing_is_better():
    """A cloud that hangs leaves the answers that came quickly."""
    before, after = (10.0, 10.1, 9.9, 10.0, 10.2, 10.0), (1.0, 1.1, None, 1.0, 1.1, None)
    found = finding(time("quick", before, after))
    assert (found.answer, found.is_changed) == ("cannot tell", False)
    assert found.reason == "the second side has no value in some pairs"
    assert finding(time("slow", after, before)).answer == "worse"


def test_missing_pairs_are_left_out():
    before = (1.0, 1.01, NAN, 0.99, 1.0, 1.02)
    after = (2.0, None, 2.0, 1.98, 2.02, 2.0)
    found = finding(time("slow", before, after))
    assert (found.answer, found.pairs) == ("worse", 4)


def test_sides_of_other_lengths_have_as_many_pairs_as_the_shorter():
    assert finding(time("short", (1.0, 1.1, 1.0), (1.0,) * 5)).pairs == 3


def test_times_that_do_not_vary_are_judged_by_the_others():
    assert finding(time("same", (1.0,) * 5, (1.0,) * 5)).answer == "cannot tell"
    assert finding(time("slow", (1.0,) * 5, (2.0,) * 5)).answer == "worse"


def test_times_that_do_not_vary_tell_nothing_alone():
    found = finding(time("slow", (1.0,) * 5, (2.0,) * 5), beside=[])
    assert (found.answer, found.reason) == ("cannot tell", "nothing says how much it varies")


def test_all_times_may_be_constants():
    metrics = [time(f"same-{n}", (1.0,) * 5, (1.0,) * 5) for n in range(40)]
    assert answers(compare(metrics, True)) == {}


def test_a_counter_that_was_zero_has_no_relative_change():
    found = finding(counter("errors", (0.0,) * 5, (40.0, 44.0, 39.0, 41.0, 40.0)))
    assert (found.answer, found.effect, found.before, found.after) == ("worse", None, 0.0, 40.0)


def test_two_modes_are_no_change():
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(40):
        sides = np.where(generator.random((60, 2, 5)) < 0.5, 1.0, 3.0)
        sides *= np.exp(generator.normal(0, 0.02, sides.shape))
        metrics = [time(f"modes-{n}", *pair) for n, pair in enumerate(sides.tolist())]
        wrong += len(answers(compare(metrics, True)))
    assert wrong <= 2


def test_the_largest_and_smallest_numbers_have_an_answer():
    found = finding(time("huge", (5e-324,) * 5, (1.7e308, 1e308, 1.1e308, 1.2e308, 1e308)))
    assert found.answer == "worse"
    assert math.isfinite(found.effect)


def test_metrics_of_one_name_are_two():
    twice = [time("twice", (1.0, 1.1, 1.0), (5.0, 5.1, 5.2)), time("twice", (1.0,), (1.0,))]
    found = compare([*SOUND, *twice], True).findings
    assert [one.pairs for one in found[-2:]] == [3, 1]


def test_a_history_of_nothing_but_equal_times_is_no_certainty():
    known = History({f"time-{n}": (0.0,) * 30 for n in range(30)})
    assert all(
        one.p is None or math.isfinite(one.p) for one in compare(SOUND, True, known).findings
    )


@pytest.mark.parametrize("seed", range(60))
def test_any_input_gives_an_answer(seed):
    """Whatever comes, all numbers are numbers, and nothing warns: warnings are errors."""
    generator = np.random.default_rng(seed)
    metrics = [_any_metric(generator, n) for n in range(generator.integers(1, 40))]
    earlier = history.fold(History(), [_any_metric(generator, n, 30) for n in range(20)])
    for known in (None, earlier):
        found = compare(metrics, True, known)
        assert [one.name for one in found.findings] == [one.name for one in metrics]
        for one in found.findings:
            numbers = (one.effect, one.low, one.high, one.smallest, one.p, one.q)
            assert all(number is None or math.isfinite(number) for number in numbers)
            assert (one.answer == "cannot tell") or one.is_changed
            assert not one.is_changed or one.q <= 0.05


def _any_metric(generator, number, pairs=None):
    pairs = int(generator.integers(0, 7)) if pairs is None else pairs
    sides = []
    for _ in range(2):
        values = [
            generator.lognormal(0, 1, pairs),
            generator.poisson(0.5, pairs).astype(float),
            np.full(pairs, float(generator.integers(0, 4))),
            generator.choice([1.0, 5.0], pairs),
        ][generator.integers(4)]
        odd = [None, NAN, INFINITY, 0.0, -1.0, 1e300]
        sides.append(
            tuple(
                odd[generator.integers(len(odd))] if generator.random() < 0.05 else float(value)
                for value in values
            )
        )
    return Paired(
        f"metric-{number}",
        "",
        ("lower", "higher", "neither")[generator.integers(3)],
        ("time", "counter", "size", "share")[generator.integers(4)],
        float(generator.choice([0.0, 1.0])),
        *sides,
    )


def test_a_metric_keeps_its_answer_beside_bad_ones():
    slower = times(60, 5, changed=(1, 2))
    bad = [replace(one, name=f"bad-{one.name}", after=(NAN,) * 5) for one in slower]
    assert answers(compare([*slower, *bad], True)) == answers(compare(slower, True))
