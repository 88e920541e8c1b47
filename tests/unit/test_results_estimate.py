# SPDX-License-Identifier: Apache-2.0
"""Tests of what earlier runs tell of the next one."""

from dataclasses import replace

from osci_jobs.results.estimate import Estimate, estimate
from osci_jobs.results.record import Phase, fold

EMPTY = fold([], {})


def _record(verdict="success", **phases):
    made = tuple(Phase(name, "", seconds, "success") for name, seconds in phases.items())
    return replace(EMPTY, verdict=verdict, phases=made, seconds=sum(phases.values()))


def test_without_an_earlier_run_nothing_is_known():
    assert estimate([], {"check"}) == Estimate()
    assert estimate([_record("failure", check=1.0)], {"check"}) == Estimate()


def test_medians_of_the_last_five_that_went_well_count():
    seconds = (3.0, 1.0, 2.0, 9.0, 8.0, 100.0)
    records = [_record(check=one) for one in seconds]
    records.insert(1, _record("timeout", check=500.0))
    assert estimate(records, {"check"}) == Estimate(5, 3.0, {"check": 3.0})


def test_no_more_records_are_read_than_are_needed():
    records = iter([_record(check=1.0)] * 8)
    estimate(records, {"check"})
    assert len(list(records)) == 3


def test_the_search_for_runs_that_went_well_has_an_end():
    records = iter([_record("failure")] * 1000)
    estimate(records, set())
    assert len(list(records)) > 900


def test_every_run_tells_of_its_phases_and_one_of_the_same_phases_of_the_whole():
    functional = _record(check=1.0, deploy=30.0, smoke=8.0, harvest=2.0, delete=1.0)
    create = _record(check=2.0, deploy=20.0)
    found = estimate([create, functional], {"check", "deploy", "smoke"})
    assert (found.runs, found.seconds) == (1, 42.0)
    assert found.phases == {"check": 1.5, "deploy": 25.0, "smoke": 8.0, "harvest": 2, "delete": 1}
