# SPDX-License-Identifier: Apache-2.0
"""What scenarios leave: numbers and limits, and that osci reads what the tester writes."""

import json
from datetime import UTC, datetime

import pytest
import stress_record
from stress_engine import Done, Measured

from osci_jobs.results import cases, load, samples

STARTED = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
SCENARIO = {"name": "token", "operations": {"token": 1}, "ramp": 2, "duration": 10, "limits": {}}


def measured(seconds, errors=(), lag=0.001, **fields):
    done = [Done("token", n / 10, one, lag) for n, one in enumerate(seconds)]
    done += [Done("token", 9.0, 0.001, lag, kind) for kind in errors]
    examples = dict.fromkeys(errors, "an example")
    return Measured(STARTED, 10.0, done, len(seconds), examples, **fields)


def judged(found, **limits):
    scenario = SCENARIO | {"limits": limits}
    return dict(stress_record.judge(scenario, stress_record.summarize(scenario, found)))


def test_percentiles_are_of_what_went_well():
    """An error is often quick, and would make a broken cloud look fast."""
    found = stress_record.summarize(SCENARIO, measured([0.1] * 50 + [0.2] * 50, ["x"] * 300))
    assert found["latency"]["p50"] == pytest.approx(0.1, rel=0.002)
    assert found["latency"]["p95"] == pytest.approx(0.2, rel=0.002)
    assert found["throughput"] == 10
    assert found["errors"] == {"x": 300}


def test_where_nothing_went_well_there_is_no_time():
    found = stress_record.summarize(SCENARIO, measured([], ["x"]))
    assert found["latency"] == {}
    assert found["throughput"] == 0


def test_limits_that_hold_say_nothing():
    found = measured([0.1] * 99, ["x"])
    assert judged(found, errors=0.01, p95=0.2, throughput=9) == dict.fromkeys(
        ("errors", "p95", "throughput"), ""
    )


def test_a_limit_that_is_broken_says_what_was_found():
    found = judged(measured([0.1] * 90, ["x"] * 9 + ["y"]), errors=0.01, p95=0.05, throughput=20)
    assert found["errors"] == (
        "10 % of 100 operations failed, and 1 % may: x (9 times); y (1 times). an example"
    )
    assert found["p95"] == "95 % of the operations took up to 0.100 s, and 0.05 s is the limit."
    assert found["throughput"] == "9 operations a second went well, and 20 should."


def test_a_percentile_of_nothing_is_broken():
    assert judged(measured([], ["x"]), p99=1)["p99"] == "Not one operation went well."


def test_without_a_limit_something_has_to_go_well():
    assert judged(measured([0.1])) == {}
    assert "100 % of 2 operations failed" in judged(measured([], ["x", "x"]))["any"]


def test_a_late_generator_says_so():
    found = stress_record.summarize(SCENARIO, measured([0.1] * 10, lag=0.08))
    assert found["is_late"] is True
    assert stress_record.summarize(SCENARIO, measured([0.1] * 10))["is_late"] is False


def test_pieces_are_put_together_as_if_they_had_been_one():
    pieces = stress_record.Pieces()
    pieces.add(measured([0.1] * 30), {("keystone", "cpu"): 0.01})
    pieces.add(measured([0.3] * 10, ["x"]), {("keystone", "cpu"): 0.05}, ["messages: why"])
    scenario, whole, cost, uncounted = pieces.together(SCENARIO)
    assert (scenario["duration"], whole.seconds, whole.finished) == (20.0, 20.0, 40)
    assert cost == {("keystone", "cpu"): pytest.approx(0.02)}
    assert uncounted == ["messages: why"]
    assert max(one.second for one in whole.done) == 19.0
    assert whole.examples == {"x": "an example"}
    found = stress_record.summarize(scenario, whole)
    assert (found["operations"], found["errors"], found["throughput"]) == (41, {"x": 1}, 2.0)


def test_costs_survive_the_way_through_json():
    found = {("nova-api", "statements"): 4.5, ("glance", "cpu"): 0.25}
    assert stress_record.numbers(json.loads(json.dumps(stress_record.rows(found)))) == found


def test_osci_reads_what_the_tester_writes(tmp_path):
    cost = {("keystone", "cpu"): 0.025, ("keystone", "statements"): 7.0}
    scenario = SCENARIO | {"limits": {"errors": 0.5, "p50": 0.01}}
    with stress_record.Record(tmp_path) as record:
        record.idle({("keystone", "cpu"): 0.001})
        record.scenario(scenario, measured([0.1] * 20, ["x"]), cost, ["messages: why"])
        record.trouble("cloud", "It is gone.")
    assert record.has_failed
    (found,) = load.read(tmp_path / "attachments" / "stress.json")
    assert (found.cost, found.uncounted) == (cost, ("messages: why",))
    assert (found.name, found.operations, found.finished) == ("token", 21, 20)
    assert found.latency["p50"] == pytest.approx(0.1, rel=0.002)
    assert found.error_share == pytest.approx(1 / 21)
    assert found.series[0] == (0.0, 10, 0, 0.1)
    outcomes = {case.title: case.outcome for case in cases.read(tmp_path / "cases.jsonl")}
    assert outcomes == {"token.errors": "passed", "token.p50": "failed", "stress.cloud": "error"}
    seen = samples.read(tmp_path / "samples.csv")
    assert seen.bad_rows == 0
    assert {one.operation for one in seen.samples} == {"token.token"}
    assert sum(one.is_good for one in seen.samples) == 20


GOOD = {
    "name": "token",
    "operations": 1,
    "finished": 1,
    "throughput": 1.0,
    "errors": {},
    "latency": {"p50": 0.1},
    "lag": {},
    "is_late": False,
    "steps": {},
    "series": [[0, 1, 0, 0.1]],
    "cost": [["keystone", "cpu", 0.1]],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3},
        {"operations": -1},
        {"operations": True},
        {"throughput": "fast"},
        {"latency": {"p50": float("nan")}},
        {"latency": []},
        {"errors": {"x": 0.5}},
        {"series": [[1, 2]]},
        {"series": 5},
        {"cost": [["keystone", "cpu"]]},
    ],
)
def test_half_a_scenario_is_none(tmp_path, changes):
    path = tmp_path / "stress.json"
    path.write_text(json.dumps({"scenarios": [GOOD | changes, GOOD]}))
    assert [one.name for one in load.read(path)] == ["token"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scenarios": 3}', "[" * 100_000])
def test_what_is_no_document_tells_nothing(tmp_path, text):
    path = tmp_path / "stress.json"
    path.write_text(text)
    assert load.read(path) == ()
    assert load.read(tmp_path / "none.json") == ()


def test_names_are_made_visible(tmp_path):
    path = tmp_path / "stress.json"
    path.write_text(json.dumps({"scenarios": [GOOD | {"name": "a\x1b[31m\n<b>"}]}))
    assert "\x1b" not in load.read(path)[0].name
