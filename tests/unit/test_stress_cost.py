# SPDX-License-Identifier: Apache-2.0
"""What operations cost: numbers of meters, added up over hosts, without what idleness uses."""

import asyncio
import json
import socket
import threading

import pytest
import stress_cost


def answer(cpu, failed=(), **kinds):
    used = {"cpu_seconds": cpu, "memory_bytes": 1000, "log_lines": 5}
    return {"services": {"nova-compute": used}, "failed": dict.fromkeys(failed, "why"), **kinds}


def reading(at, **numbers):
    return {"at": at, "numbers": {("nova-api", name): n for name, n in numbers.items()}} | {
        "failed": {}
    }


def test_hosts_are_added_up():
    found = stress_cost.added_up([answer(1.5), answer(2, messages={"nova-compute-host2": 7})])
    assert found["numbers"]["nova-compute", "cpu"] == 3.5
    assert found["numbers"]["nova-compute", "memory"] == 2000
    assert found["numbers"]["nova-compute", "messages"] == 7


def test_calls_are_those_of_the_caller():
    calls = {"nova-compute": {"placement": 2, "neutron": 3}}
    assert stress_cost.added_up([answer(1, calls=calls)])["numbers"]["nova-compute", "calls"] == 5
    assert stress_cost.added_up([answer(1)])["numbers"]["nova-compute", "calls"] == 0


@pytest.mark.parametrize(
    ("kind", "gone"),
    [
        ("database", {"statements", "rows"}),
        ("broker", {"messages"}),
        ("journal", {"log", "calls"}),
        ("host", set(stress_cost.RESOURCES)),
    ],
)
def test_what_one_host_cannot_tell_is_missing_and_not_less(kind, gone):
    whole = answer(1, statements={"nova-api": 3}, rows={"nova-api": 2}, messages={"nova-api": 1})
    found = stress_cost.added_up([whole, answer(1, failed=[kind])])
    assert {resource for _, resource in found["numbers"]} == set(stress_cost.RESOURCES) - gone
    assert found["failed"] == {kind: "why"}
    (line,) = stress_cost.uncounted(found, found)
    named, _, why = line.partition(": ")
    assert (set(named.split(", ")), why) == (gone, "why")


def test_what_the_idle_cloud_uses_is_taken_off():
    before, after = reading(100.0, cpu=5.0, statements=10), reading(110.0, cpu=9.0, statements=110)
    idle = {("nova-api", "cpu"): 0.1, ("nova-api", "statements"): 2.0}
    used = stress_cost.beyond(before, after, (10, idle))
    assert used == {("nova-api", "cpu"): pytest.approx(3.0), ("nova-api", "statements"): 80.0}


def test_what_looking_on_uses_is_taken_off_too():
    before, after = reading(100.0, statements=10), reading(110.0, statements=110)
    look = {("nova-api", "statements"): 15.0, ("placement", "statements"): 2.0}
    idle = {("nova-api", "statements"): 1.0}
    used = stress_cost.beyond(before, after, (10, idle), (4, look))
    assert used == {("nova-api", "statements"): 30.0}


def test_memory_is_told_whole():
    before, after = reading(0.0, memory=1000), reading(10.0, memory=5000)
    used = stress_cost.beyond(before, after, (10, {("nova-api", "memory"): 100.0}))
    assert used == {("nova-api", "memory"): 4000}


def test_without_an_operation_nothing_has_a_cost():
    used = stress_cost.beyond(reading(1.0, cpu=1), reading(2.0, cpu=2))
    assert stress_cost.divided(used, 0) == {}
    assert stress_cost.divided(used, 4) == {("nova-api", "cpu"): 0.25}


def test_what_a_reading_lacks_has_no_cost():
    before = reading(1.0, cpu=1) | {"failed": {"database": "why"}}
    cost = stress_cost.beyond(before, reading(2.0, cpu=2, rows=50))
    assert cost == {("nova-api", "cpu"): 1.0}


def test_an_account_that_appears_grew_from_nothing():
    used = stress_cost.beyond(reading(1.0), reading(2.0, rows=50))
    assert used == {("nova-api", "rows"): 50}


def _serve(content, monkeypatch):
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(stress_cost, "PORT", listener.getsockname()[1])

    def accept():
        with listener:
            connection, _ = listener.accept()
        with connection:
            connection.sendall(content)

    threading.Thread(target=accept, daemon=True).start()


@pytest.mark.parametrize("content", [b"", b"{", b"[1", b"\xff\xff"])
def test_a_meter_that_does_not_answer_well_is_a_host_that_tells_nothing(content, monkeypatch):
    _serve(content, monkeypatch)
    found = asyncio.run(stress_cost.Meters(["127.0.0.1"]).read())
    assert found["failed"].keys() == {"host"}
    assert found["numbers"] == {}


def test_a_meter_is_read_to_its_end(monkeypatch):
    _serve(json.dumps(answer(2.5)).encode(), monkeypatch)
    found = asyncio.run(stress_cost.Meters(["127.0.0.1"]).read())
    assert found["numbers"]["nova-compute", "cpu"] == 2.5
