# SPDX-License-Identifier: Apache-2.0
"""Tests of counters: exact where they repeat themselves, and never sure of their noise."""

import numpy as np
import pytest
from regressions import answers, counter

from osci_jobs.regression import history
from osci_jobs.regression.comparison import compare
from osci_jobs.regression.model import History, Paired


def counters(pairs, changed=(), seed=1):
    """Return counters that do not vary, from 3 to 297, of which some count one more."""
    return [
        counter(f"counter-{n}", (3.0 * n,) * pairs, (3.0 * n + (n in changed),) * pairs)
        for n in range(1, 100)
    ]


def noisy(pairs, generator):
    """Return counters of each kind that is not steady: background, two modes, rare jumps."""
    shape = 2, pairs
    made = []
    for n in range(20):
        made += [
            generator.poisson(10 ** (n / 5 - 1), shape),
            20 + n + (generator.random(shape) < 0.5),
            50 + n + 7 * (generator.random(shape) < 0.03),
            np.round(5000 + n + generator.normal(0, 3, shape)),
        ]
    return [counter(f"noisy-{n}", *sides.astype(float).tolist()) for n, sides in enumerate(made)]


@pytest.fixture(scope="module")
def earlier():
    return history.fold(History(), counters(30))


def test_one_more_statement_is_seen_in_three_pairs():
    found = compare(counters(3, changed=(40,)), True)
    assert answers(found) == {"counter-40": "worse"}
    worse = found.findings[39]
    assert (worse.how, worse.before, worse.after) == ("exact", 120.0, 121.0)
    assert worse.effect == worse.low == worse.high == 1 / 120


def test_one_pair_is_enough_for_what_never_varied(earlier):
    assert answers(compare(counters(1, changed=(40,)), True, earlier)) == {"counter-40": "worse"}


def test_one_pair_is_not_enough_for_what_nothing_is_known_of():
    found = compare(counters(1, changed=(40,)), True)
    assert answers(found) == {}
    assert found.findings[39].reason == "so few pairs are alike by chance"


def test_one_pair_is_not_enough_for_what_varied_before(earlier):
    jumped = {**earlier.ratios, "counter-40": (0.0,) * 27 + (0.1, 0.0, -0.1)}
    assert answers(compare(counters(1, changed=(40,)), True, History(jumped))) == {}


def test_the_smallest_change_of_a_counter_is_its_floor():
    found = compare(counters(5), True).findings
    assert found[39].smallest == 1 / 120


def test_less_than_the_floor_is_of_no_interest():
    metrics = [counter("few", (10.0,) * 5, (14.0,) * 5, floor=5.0)]
    assert answers(compare(metrics, True)) == {}


def test_a_counter_that_begins_to_count_is_worse():
    found = compare([counter("new", (0.0,) * 5, (40.0,) * 5)], True).findings[0]
    assert (found.answer, found.effect, found.how) == ("worse", None, "exact")


def test_a_few_small_counts_are_alike_by_chance():
    found = compare([counter("rare", (0.0,) * 3, (1.0,) * 3)], True)
    assert answers(found) == {"rare": "worse"}  # alone it would be seen
    beside = compare([*counters(3), counter("rare", (0.0,) * 3, (1.0,) * 3)], True)
    assert answers(beside) == {}  # among a hundred there is one such


def test_sizes_that_repeat_themselves_are_exact_but_for_little_changes():
    def sizes(after):
        return [Paired("image", "MiB", "lower", "size", 0.0, (100.0,) * 5, (after,) * 5)]

    assert answers(compare(sizes(110.0), True)) == {"image": "worse"}
    assert answers(compare(sizes(101.0), True)) == {}


@pytest.mark.parametrize("pairs", [1, 2, 3, 5])
def test_the_noise_of_counters_is_no_change(pairs):
    """80 unpleasant counters beside 99 that do not vary, in 30 reports, with history or not."""
    generator = np.random.default_rng(pairs)
    known = history.fold(History(), [*counters(30), *noisy(30, generator)])
    for earlier in (None, known):
        wrong = sum(
            len(answers(compare([*counters(pairs), *noisy(pairs, generator)], True, earlier)))
            for _ in range(30)
        )
        assert wrong <= 4


def test_a_jump_in_one_round_is_no_change():
    metrics = counters(5)
    metrics[7] = counter("jumped", (24.0,) * 5, (24.0, 24.0, 31.0, 24.0, 24.0))
    assert answers(compare(metrics, True)) == {}
