# SPDX-License-Identifier: Apache-2.0
"""Load on a real OpenStack: what it measures, what operations cost, and a cloud that hangs."""

import json
from pathlib import Path

import pytest

from osci_jobs.results import metrics

SCENARIOS = {
    "boot": {"operations": {"server-boot": 1}, "concurrency": 1, "duration": 3, "timeout": 90},
    "details": {
        "operations": {"server-detail": 1},
        "rate": 2,
        "ramp": 1,
        "duration": 4,
        "servers": 2,
        "limits": {"errors": 0, "p95": 0.0001},
    },
    "token": {
        "operations": {"token": 1},
        "rate": 4,
        "duration": 4,
        "timeout": 3,
        "limits": {"errors": 0},
    },
}


@pytest.fixture
def scenarios(tmp_path):
    directory = tmp_path / "scenarios"
    directory.mkdir()
    for name, scenario in SCENARIOS.items():
        (directory / f"{name}.json").write_text(json.dumps(scenario))
    return directory


def measured(document: dict, name: str) -> dict[str, float]:
    return metrics.read_csv(Path(document["run_directory"]) / "metrics" / f"{name}.csv")


def test_load_is_measured_and_a_cloud_that_hangs_gives_a_result(osci, scenarios):
    directory = ("--stress-config-dir", str(scenarios))
    done = osci("stress", "single", *directory, "--json", "--keep", "always")
    assert (done.code, done.json["verdict"]) == (1, "failure"), done.err
    assert done.json["cause"]["unit"] == "details.p95"
    assert_numbers(done.json)
    assert_costs(measured(done.json, "costs"))
    run = Path(done.json["run_directory"])
    assert (run / "plots" / "load.svg").exists()
    assert "One operation of token costs" in " ".join((run / "report.txt").read_text().split())

    group = done.json["group"]
    stopped = osci("ssh", group, "host1", "systemctl kill --signal=STOP keystone")
    assert stopped.code == 0, stopped.err
    hung = osci("stress", "--group", group, *directory, "--scenario", "token", "--json")
    assert (hung.code, hung.json["verdict"]) == (1, "failure"), hung.err
    assert "keystone" in hung.json["cause"]["message"] + hung.json["cause"]["line"]
    # Nothing went well, so nothing was quick.
    assert measured(hung.json, "latency_p50") == {}
    assert osci("delete", group).code == 0


def assert_numbers(document: dict):
    rates = measured(document, "throughput")
    assert rates["token.rate"] == 4
    assert rates["details.rate"] == 2
    assert rates["boot.rate"] > 0
    assert set(measured(document, "errors").values()) == {0}
    for name in ("latency_p50", "latency_p95", "latency_p99"):
        assert set(measured(document, name)) == {f"{one}.{name[8:]}" for one in SCENARIOS}


def assert_costs(costs: dict[str, float]):
    """See what each service did for what is known of the operations."""
    assert 4 <= costs["token.keystone.statements"] <= 20
    assert costs["token.keystone.cpu"] > 0.001
    assert costs["token.keystone.log"] >= 1
    assert costs["token.neutron.cpu"] < costs["token.keystone.cpu"]
    assert costs["details.nova-api.statements"] >= 1
    # Details of servers have their security groups, which neutron knows.
    assert costs["details.nova-api.calls"] >= 0.5
    # A boot goes from the API by the conductor to the scheduler and to the compute.
    for service in ("nova-api", "nova-compute", "nova-conductor"):
        assert costs[f"boot.{service}.messages"] >= 1, service
    for service in ("nova-api", "nova-compute", "nova-scheduler"):
        assert costs[f"boot.{service}.calls"] >= 1, service
    assert costs["boot.nova-conductor.rows"] >= 1
