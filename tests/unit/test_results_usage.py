# SPDX-License-Identifier: Apache-2.0
"""Tests of what the services used: small files of hosts in, rows of the metrics out."""

import json
from datetime import UTC, datetime

import pytest

from osci_jobs.results import harvested, metrics, usage
from osci_jobs.results.record import Phase
from osci_jobs.results.usage import Window

HEADER = ",".join(harvested.SERVICE_COLUMNS)
MIB = 1 << 20
SERVICES = {"mariadb": ["a"], "nova-compute": ["a", "b"], "rabbitmq-server": ["a"]}


class _Record:
    """As much of a record as tells when its phases were."""

    def __init__(self, *phases):
        self.phases = phases


def at(second):
    return datetime(2026, 11, 23, 9, 0, second, tzinfo=UTC)


def window(start, end):
    return Window(at(start), at(end))


@pytest.fixture
def harvest(tmp_path):
    """Return a function that reads what hosts left: (second, service, cpu, MiB) of each."""

    def read(**hosts):
        for name, rows in hosts.items():
            path = tmp_path / "logs" / name / harvested.SERVICE_USAGE
            path.parent.mkdir(parents=True)
            lines = [
                f"2026-11-23T09:00:{second:02}Z,{service},{cpu},{mib * MIB if mib else ''}"
                for second, service, cpu, mib in rows
            ]
            path.write_text("\n".join([HEADER, *lines, ""]))
        return harvested.read(tmp_path, tuple(hosts))

    return read


def counted(tmp_path, **hosts):
    for name, counts in hosts.items():
        path = tmp_path / "logs" / name / harvested.COUNTERS
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": 1, **counts}))
    return harvested.read(tmp_path, tuple(hosts))


def test_windows_are_those_of_phases_that_were_not_skipped():
    deploy = Phase("deploy", "2026-11-23T09:00:01.000Z", 9, "success")
    skipped = Phase("api", "2026-11-23T09:00:10.000Z", 0, "skipped")
    load = Phase("load", "2026-11-23T09:00:20.000Z", 5, "failure")
    record = _Record(deploy, skipped, load)
    assert usage.windows(record, ["deploy"]) == (window(1, 10),)
    assert usage.windows(record, ["api", "load"]) == (window(20, 25),)


def test_a_phase_that_was_broken_off_has_no_window():
    whole = Phase("api", "2026-11-23T09:00:01.000Z", 9, "success")
    broken = Phase("load", "2026-11-23T09:00:10.000Z", 9, "timeout")
    assert usage.windows(_Record(whole, broken), ["api", "load"]) == ()


def test_memory_is_the_peak_and_mean_of_all_hosts_together(harvest):
    found = harvest(
        a=[(1, "nova-compute", 0, 100), (2, "nova-compute", 0, None), (6, "nova-compute", 0, 120)],
        b=[(3, "nova-compute", 0, 50), (9, "nova-compute", 0, 500)],
    )
    row = usage.memory(found, SERVICES, [window(0, 8)])
    assert row == {"nova-compute.peak": 170, "nova-compute.mean": (100 + 150 + 170) / 3}


def test_memory_outside_of_the_times_does_not_count(harvest):
    found = harvest(a=[(1, "mariadb", 0, 10), (5, "mariadb", 0, 20)])
    assert usage.memory(found, SERVICES, [window(1, 3)]) == {}
    assert usage.memory(found, SERVICES, []) == {}
    assert usage.memory(found, SERVICES, [window(0, 1), window(4, 5)])["mariadb.peak"] == 20


def test_cpu_is_what_grew_in_the_times(harvest):
    found = harvest(a=[(second, "mariadb", second * 0.5, None) for second in range(1, 10)])
    assert usage.cpu(found, SERVICES, [window(0, 4)]) == {"mariadb": 2.0}
    assert usage.cpu(found, SERVICES, [window(4, 6), window(8, 9)]) == {"mariadb": 1.5}
    assert usage.cpu(found, SERVICES, []) == {}


def test_cpu_goes_on_when_the_sampler_began_anew(harvest):
    found = harvest(a=[(1, "mariadb", 5, None), (2, "mariadb", 0, None), (3, "mariadb", 1, None)])
    assert usage.cpu(found, SERVICES, [window(0, 9)]) == {"mariadb": 6.0}


def test_cpu_of_several_hosts_is_added_up(harvest):
    rows = [(1, "nova-compute", 1, None), (2, "nova-compute", 3, None)]
    assert usage.cpu(harvest(a=rows, b=rows), SERVICES, [window(1, 2)]) == {"nova-compute": 4.0}


def test_a_service_one_of_whose_hosts_left_nothing_has_no_value(harvest):
    found = harvest(a=[(1, "nova-compute", 1, 10), (1, "mariadb", 1, 10)], b=[])
    assert usage.memory(found, SERVICES, [window(0, 9)]).keys() == {"mariadb.peak", "mariadb.mean"}
    assert usage.cpu(found, SERVICES, [window(0, 9)]) == {"mariadb": 1.0}


def test_what_is_no_service_of_that_host_is_left_out(harvest):
    found = harvest(a=[(1, "mariadb", 1, 10)], c=[(1, "mariadb", 7, 70), (1, "miner", 9, 90)])
    assert usage.cpu(found, SERVICES, [window(0, 9)]) == {"mariadb": 1.0}


def test_counts_come_from_the_hosts_that_count(tmp_path):
    found = counted(
        tmp_path,
        a={"statements": {"nova-api": 7}, "messages": {"neutron": 3}, "log": {"INFO": 2}},
        b={"statements": {"nova-api": 1000}, "log": {"INFO": 5, "ERROR": 1}},
    )
    columns = ("statements.nova-api", "statements.glance", "messages.neutron", "log.INFO")
    assert usage.counts(found, SERVICES, (*columns, "log.ERROR")) == {
        "statements.nova-api": 7,
        "statements.glance": 0,
        "messages.neutron": 3,
        "log.INFO": 7,
        "log.ERROR": 1,
    }


def test_what_a_host_did_not_count_is_missing_and_not_0(tmp_path):
    found = counted(tmp_path, a={"statements": {"glance": 1}, "log": {"INFO": 1}}, b={})
    columns = ("statements.glance", "messages.neutron", "log.INFO")
    assert usage.counts(found, SERVICES, columns) == {"statements.glance": 1}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "rubbish\n",
        f"{HEADER}\n" + "\0" * 100,
        f"{HEADER}\n2026-11-23T09:00:01Z,mariadb,-1,5\n2026-11-23T09:00:01Z,mariadb,nan,5\n",
        f"{HEADER}\n2026-11-23T09:00:01Z,mariadb,1e999,5\nnever,mariadb,1,5\n",
        f'{HEADER}\n"2026-11-23T09:00:01Z,mariadb,1,5\n',
        f"{HEADER}\n2026-11-23T09:00:01Z,mariadb,1,5",
    ],
)
def test_a_hostile_series_gives_no_values(tmp_path, content):
    path = tmp_path / "logs" / "a" / harvested.SERVICE_USAGE
    path.parent.mkdir(parents=True)
    path.write_text(content)
    found = harvested.read(tmp_path, ("a",))
    assert usage.memory(found, SERVICES, [window(0, 9)]) == {}
    assert usage.cpu(found, SERVICES, [window(0, 9)]) == {}


def test_columns_depend_on_services_and_hosts_alone():
    assert metrics.memory_columns(["a", "b"]) == ("a.peak", "a.mean", "b.peak", "b.mean")
    assert metrics.cpu_columns(["a"]) == ("a.deploy", "a.suites")
    columns = metrics.counter_columns(SERVICES)
    assert columns[0] == "statements.glance"
    assert {"messages.nova-compute-a", "messages.nova-compute-b", "log.ERROR"} <= set(columns)


def test_a_deployment_without_services_has_no_columns():
    assert metrics.memory_columns(()) == metrics.cpu_columns(()) == ()
    assert metrics.counter_columns({}) == ()
