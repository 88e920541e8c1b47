# SPDX-License-Identifier: Apache-2.0
"""The engine of load: when operations start, how long they took, and that it always ends."""

import asyncio
import time

import pytest
import stress_engine
from stress_cloud import CallError

SCENARIO = {"operations": {"one": 1}, "rate": 40, "ramp": 0, "duration": 0.5, "timeout": 0.5}


def run(operate, **changes):
    scenario = SCENARIO | changes
    operations = dict.fromkeys(scenario["operations"], operate)
    return asyncio.run(stress_engine.run(scenario, operations, None))


async def quick(_):
    await asyncio.sleep(0.01)


def test_arrivals_are_evenly_spaced():
    measured = run(quick)
    assert [round(one.second, 6) for one in measured.done] == [n / 40 for n in range(20)]
    assert measured.finished == 20
    assert {one.error for one in measured.done} == {""}


def test_the_ramp_starts_slowly_and_is_not_measured():
    measured = run(quick, ramp=0.5)
    assert len(measured.done) == 20
    assert measured.finished == 30
    times = list(stress_engine._times(SCENARIO | {"ramp": 1, "duration": 1}))
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert times[0] == -1
    assert gaps[0] > 5 * gaps[18] > gaps[30] == pytest.approx(1 / 40)


def test_a_cloud_that_stalls_is_charged_for_all_who_would_have_come():
    """A client that waits for each answer would see one slow operation, and nothing else."""
    asked_at = []

    async def stalls(_):
        asked_at.append(time.monotonic())
        await asyncio.sleep(max(asked_at[0] + 0.4 - time.monotonic(), 0))

    seconds = sorted(one.seconds for one in run(stalls).done)
    assert sum(second > 0.05 for second in seconds) >= 10


def test_what_is_not_done_in_time_is_an_error_of_its_own():
    async def hangs(_):
        await asyncio.sleep(60)

    started = time.monotonic()
    measured = run(hangs)
    assert time.monotonic() - started < 30
    assert {one.error for one in measured.done} == {"not done after 0.5 s"}
    assert measured.finished == 0


def test_errors_are_counted_by_kind_with_an_example():
    async def fails(_):
        raise CallError("nova-api answered 500, not 200", "the text of it")

    measured = run(fails)
    assert measured.examples == {
        "nova-api answered 500, not 200": "nova-api answered 500, not 200: the text of it"
    }
    assert measured.finished == 0


def test_a_bug_of_an_operation_is_not_an_error_of_the_cloud():
    async def wrong(_):
        raise KeyError("x")

    with pytest.raises(ExceptionGroup) as caught:
        run(wrong)
    assert caught.group_contains(KeyError)


def test_users_ask_again_once_they_are_answered():
    scenario = {name: SCENARIO[name] for name in SCENARIO if name != "rate"}
    scenario |= {"concurrency": 3, "ramp": 0.2}
    most = under_way = 0

    async def counted(_):
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1

    measured = asyncio.run(stress_engine.run(scenario, {"one": counted}, None))
    assert most == 3
    assert 20 <= len(measured.done) <= 33
    assert len(measured.done) < measured.finished


def test_a_mix_has_each_operation_as_often_as_its_weight():
    turns = stress_engine._turns({"a": 1, "b": 2, "c": 4})
    assert turns == ["c", "b", "c", "a", "c", "b", "c"]


def test_arrivals_past_the_limit_are_not_sent(monkeypatch):
    monkeypatch.setattr(stress_engine, "OPEN_LIMIT", 3)

    async def hangs(_):
        await asyncio.sleep(60)

    errors = [one.error for one in run(hangs).done]
    assert errors.count("not sent") == 17


def test_steps_are_kept():
    async def steps(_):
        return {"active": 1.5}

    assert run(steps, duration=0.1).done[0].steps == {"active": 1.5}


def test_latency_counts_from_the_time_that_was_meant():
    """The loop is held up by the first; those after it are late, and that is part of theirs."""
    is_held = False

    async def holds(_):
        nonlocal is_held
        if not is_held:
            is_held = True
            time.sleep(0.2)

    done = run(holds, duration=0.3).done
    late = [one for one in done if 0 < one.second < 0.15]
    assert late
    assert all(one.seconds >= one.lag_seconds > 0.04 for one in late)
