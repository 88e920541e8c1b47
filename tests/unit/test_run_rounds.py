# SPDX-License-Identifier: Apache-2.0
"""Rounds of two sides: what is left out, what is compared, and what is not to be believed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from osci_jobs.cli import plans
from osci_jobs.regression.model import History
from osci_jobs.run import rounds
from osci_jobs.run.order import Plan
from osci_jobs.run.rounds import Round
from osci_jobs.run.watch import Look, noisy

PIECE = {"name": "token", "ramp": 2, "duration": 8, "timeout": 30, "limits": {"errors": 0}}


def plan(**keys) -> Plan:
    known = {"pieces": (PIECE,), "pairs": 5, "most_pairs": 5, "seconds": 60.0, "seed": 1}
    return Plan(**{**known, "is_until_clear": False, "history": Path("history"), **keys})


def one(before: dict, after: dict, failed=((), ()), number=10) -> Round:
    """Return a round with so many operations of `token` and `list` on each side."""
    asked = Counter({"token": number, "list": number})
    return Round(
        rows=(before, after),
        operations=(asked, asked),
        failed=(Counter(failed[0]), Counter(failed[1])),
        look=Look(0.01, 0.0),
    )


def row(scale: float = 1.0, errors: float = 0.0) -> dict:
    return {
        "token.p50": 0.05 * scale,
        "token.p95": 0.08 * scale,
        "token.errors": errors,
        "token.keystone.cpu": 0.04 * scale,
        "token.keystone.statements": 8.0,
        "token.keystone.memory": 3.0,
        "list.p50": 0.1,
    }


def test_a_round_has_a_part_of_each_scenario_and_no_ramp():
    (piece,) = plans.pieces_of([PIECE], 0.25)
    assert piece == PIECE | {"ramp": 0, "duration": 2.0, "limits": {}}


def test_a_round_was_cold_when_the_next_is_faster_on_either_side():
    cold, warm = one(row(1.3) | {"list.p50": 0.13}, row()), one(row(), row())
    assert rounds.was_cold(cold, warm)
    assert not rounds.was_cold(warm, cold)
    assert not rounds.was_cold(warm, warm)
    assert not rounds.was_cold(one({}, {}), warm)


def test_what_was_warm_up_is_no_pair():
    found = rounds.outcome([one(row(9), row(9)), one(row(), row(2)), one(row(), row(2))], 1, 1)
    token = next(metric for metric in found.metrics if metric.name == "token.p50")
    assert (token.before, token.after) == ((0.05, 0.05), (0.1, 0.1))
    assert len(found.machine) == 2


def test_what_was_not_counted_is_told_once():
    lacking = replace(one(row(), row()), uncounted=["messages: why", "messages: why"])
    found = rounds.outcome([replace(lacking, uncounted=["log: why"]), lacking, lacking], 1, 1)
    assert found.uncounted == ("messages: why",)


def test_metrics_are_what_their_names_say():
    found = {metric.name: metric for metric in rounds.outcome([one(row(), row())], 0, 1).metrics}
    kinds = {name: (metric.kind, metric.unit, metric.family) for name, metric in found.items()}
    assert kinds["token.p50"] == ("time", "seconds", "latency")
    assert kinds["token.keystone.cpu"] == ("time", "seconds", "cpu")
    assert kinds["token.keystone.statements"] == ("counter", "statements", "statements")
    assert kinds["token.keystone.memory"] == ("growth", "KiB", "memory")
    assert kinds["token.errors"] == ("counter", "operations", "errors")


def test_the_slowest_of_a_few_operations_is_not_compared():
    many, few = one(row(), row(), number=20), one(row(), row(), number=19)
    found = {metric.name for metric in rounds.outcome([many, many], 0, 1).metrics}
    assert {"token.p50", "token.p95"} <= found
    found = {metric.name for metric in rounds.outcome([many, few], 0, 1).metrics}
    assert "token.p50" in found
    assert "token.p95" not in found


def test_where_operations_fail_times_are_not_believed_and_the_errors_are_told():
    """Who fails is quick, and leaves the cloud to those who do not."""
    failing = [one(row(), row(0.1, errors=10.0), failed=((), {"token": 10})) for _ in range(5)]
    found = rounds.compare(rounds.outcome(failing, 0, 1), History())
    answers = {finding.name: finding for finding in found.findings}
    assert answers["token.errors"].answer == "worse"
    for name in ("token.p50", "token.keystone.cpu", "token.keystone.statements"):
        assert answers[name].answer == "cannot tell"
        assert answers[name].reason == "100 % of its operations failed after"
    assert "fail" not in answers["list.p50"].reason


def test_one_error_of_many_spoils_nothing():
    few = [one(row(), row(), failed=((), {"token": 0})) for _ in range(4)]
    asked = Counter({"token": 1000, "list": 10})
    rare = Round((row(), row(errors=1.0)), (asked, asked), (Counter(), Counter({"token": 1})))
    found = rounds.outcome([*few, rare], 0, 1)
    assert not any(metric.reason for metric in found.metrics)


def test_a_scenario_that_one_side_could_not_run_is_never_better():
    rest = {name: value for name, value in row().items() if not name.startswith("token.")}
    lost = one(row(), rest, failed=((), {"token": 10}))
    found = rounds.compare(rounds.outcome([one(row(), row()), lost], 0, 1), History())
    assert not any(finding.answer == "better" for finding in found.findings)


@pytest.mark.parametrize(
    ("keys", "looks"),
    [
        ({}, 1),
        ({"is_until_clear": True, "most_pairs": 15}, 5),
        ({"is_until_clear": True, "most_pairs": 6}, 2),
        ({"is_until_clear": True, "most_pairs": 5}, 1),
    ],
)
def test_looks_are_those_that_there_may_be(keys, looks):
    assert rounds.looks_of(plan(**keys)) == looks


def test_a_machine_that_is_slower_or_not_ours_makes_a_noisy_pair():
    looks = [Look(0.010, 0.0), Look(0.011, 0.0), Look(0.020, 0.0), Look(0.010, 0.2)]
    assert noisy(looks) == [2, 3]
    assert noisy([]) == []
