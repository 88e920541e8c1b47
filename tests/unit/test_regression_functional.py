# SPDX-License-Identifier: Apache-2.0
"""Cases of two sides held against each other."""

import change
import pytest

from osci_jobs.regression import functional
from osci_jobs.regression.functional import FLAKY, GONE, NEW, PASSING, SAME, TRUNK
from osci_jobs.results.cases import Case

GOOD, BAD = change.passed("a"), change.failed("a")
SKIPPED = [Case("a", "servers", "skipped")]
BROKEN = [Case("a", "servers", "error")]


@pytest.mark.parametrize(
    ("before", "after", "standing"),
    [
        (GOOD, GOOD, SAME),
        (GOOD, BAD, NEW),
        (GOOD, BROKEN, NEW),
        (SKIPPED, BAD, NEW),
        ([], BAD, NEW),
        (BAD, BAD, TRUNK),
        (BROKEN, BAD, TRUNK),
        (BAD, GOOD, PASSING),
        (BAD, SKIPPED, SAME),
        (GOOD, SKIPPED, GONE),
        (GOOD, [], GONE),
        (BAD, [], None),
        (SKIPPED, SKIPPED, SAME),
        ([], GOOD, SAME),
    ],
)
def test_a_case_stands_by_what_it_was_on_both_sides(before, after, standing):
    found = functional.compare({"smoke": before}, {"smoke": after})
    assert [one.standing for one in found] == ([standing] if standing else [])


@pytest.mark.parametrize(
    ("again", "standing", "is_rerun"),
    [(GOOD, FLAKY, True), (BAD, NEW, True), (SKIPPED, NEW, True), ([], NEW, False)],
)
def test_what_passes_on_another_group_of_the_same_code_is_flaky(again, standing, is_rerun):
    found = functional.compare({"smoke": GOOD}, {"smoke": BAD}, {"smoke": again})
    assert [(one.standing, one.is_rerun) for one in found] == [(standing, is_rerun)]


def test_a_suite_that_was_not_run_again_leaves_its_cases_as_they_are():
    (found,) = functional.compare({"smoke": GOOD}, {"smoke": BAD}, {"other": GOOD})
    assert (found.standing, found.is_rerun) == (NEW, False)


def test_a_title_that_is_there_twice_is_two_cases():
    before, after = [*GOOD, *BAD], [*BAD, *GOOD]
    found = functional.compare({"smoke": before}, {"smoke": after})
    assert [one.standing for one in found] == [NEW, PASSING]


def test_suites_of_one_name_and_another_do_not_meet():
    found = functional.compare({"smoke": GOOD}, {"other": BAD})
    assert {(one.suite, one.standing) for one in found} == {("smoke", GONE), ("other", NEW)}
