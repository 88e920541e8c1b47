# SPDX-License-Identifier: Apache-2.0
"""A real OpenStack, from a deployment file to a verdict, and under load."""

import json
from dataclasses import dataclass
from pathlib import Path

import canaries
import pytest
from leftovers import leaving_nothing
from running import Finished, Osci

from osci_jobs.results import cases, metrics

SKIPS = Path(__file__).resolve().parents[1] / "data" / "smoke"
PROJECTS = ("glance", "keystone", "neutron", "nova", "openstack-placement")
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


@dataclass
class Deployed:
    """What `osci functional basic` printed; what was in the lists of processes meanwhile."""

    osci: Osci
    done: Finished
    seen: canaries.ProcessList

    @property
    def run(self) -> Path:
        return Path(self.done.json["run_directory"])

    @property
    def group(self) -> str:
        return self.done.json["group"]


@pytest.fixture(scope="module")
def basic(tmp_path_factory):
    """README's first command; its group is kept for all that is asked of a cloud."""
    with leaving_nothing(tmp_path_factory.mktemp("basic")) as osci:
        with canaries.ProcessList(osci.state) as seen:
            done = osci("functional", "basic", "--keep", "always", "--json")
        assert done.code == 0, done.err
        yield Deployed(osci, done, seen)
        assert osci("delete", done.json["group"]).code == 0


@pytest.fixture
def scenarios(tmp_path):
    """Return the words that name a directory of scenarios."""
    for name, scenario in SCENARIOS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(scenario))
    return ("--stress-config-dir", str(tmp_path))


def test_basic_is_deployed_tested_and_reported(basic):
    done = basic.done
    assert done.json["verdict"] == "success"
    smoke = done.json["suites"]["smoke"]
    assert smoke["passed"] >= 26
    assert smoke["passed"] + smoke["skipped"] == smoke["cases"] == 37
    assert skips(done) == (SKIPS / "basic.skips").read_text()
    assert done.json["findings"] == []
    assert_measured(basic.run)
    for host in done.json["hosts"]:
        pip = ("/opt/openstack/bin/pip", "list", "--format=json")
        listed = basic.osci("ssh", basic.group, host["name"], *pip)
        by_pip = {row["name"].lower(): row["version"] for row in json.loads(listed.out)}
        assert {name: host["versions"][name] for name in PROJECTS} == {
            name: by_pip[name] for name in PROJECTS
        }


def test_no_secret_is_seen(basic):
    canaries.assert_hidden(basic.seen, basic.run, basic.done.out + basic.done.err)


def test_load_is_measured(basic, scenarios):
    done = basic.osci("stress", "--group", basic.group, *scenarios, "--json")
    assert (done.code, done.json["verdict"]) == (1, "failure"), done.err
    assert done.json["cause"]["unit"] == "details.p95"
    assert_numbers(done.json)
    assert_costs(measured(done.json, "costs"))
    run = Path(done.json["run_directory"])
    assert (run / "plots" / "load.svg").exists()
    assert "One operation of token costs" in " ".join((run / "report.txt").read_text().split())


def test_a_cloud_that_hangs_under_load_gives_a_result(basic, scenarios):
    def tell_keystone(signal: str):
        told = basic.osci("ssh", basic.group, "host1", f"systemctl kill --signal={signal} keystone")
        assert told.code == 0, told.err

    tell_keystone("STOP")
    hung = basic.osci("stress", "--group", basic.group, *scenarios, "--scenario", "token", "--json")
    tell_keystone("CONT")
    assert (hung.code, hung.json["verdict"]) == (1, "failure"), hung.err
    assert "keystone" in hung.json["cause"]["message"] + hung.json["cause"]["line"]
    # Nothing went well, so nothing was quick.
    assert measured(hung.json, "latency_p50") == {}


@pytest.mark.full
def test_a_stopped_compute_fails_the_suite_and_the_report_says_so(osci, tmp_path, monkeypatch):
    document = {
        "host": [{"name": "host1"}],
        "api": [{"host": "host1"}],
        "suites": [{"suite": "smoke", "server_build_timeout": 20}],
    }
    (tmp_path / "hasty.json").write_text(json.dumps(document))
    monkeypatch.setenv("OSCI_DEPLOYMENT_CONFIG_DIR", str(tmp_path))
    made = osci("create", "hasty", "--json")
    assert made.code == 0, made.err
    group = made.json["access"]["group"]
    assert osci("ssh", group, "host1", "systemctl", "stop", "nova-compute").code == 0
    done = osci("functional", "--group", group, "--json")
    assert (done.code, done.json["verdict"]) == (1, "failure")
    report = (Path(done.json["run_directory"]) / "report.txt").read_text()
    assert "nova-compute on host1 was last seen" in " ".join(report.split())
    assert osci("delete", group).code == 0


@pytest.mark.full
@pytest.mark.parametrize("name", ["single", "spread"])
def test_the_other_samples_pass_too(osci, name):
    done = osci("functional", name, "--json")
    assert (done.code, done.json["verdict"]) == (0, "success"), done.err
    assert skips(done) == (SKIPS / f"{name}.skips").read_text()


@pytest.mark.full
def test_three_runs_in_a_row_are_the_same_but_for_times(osci):
    seen = [timeless(osci("functional", "basic", "--json")) for _ in range(3)]
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.full
def test_basic_and_spread_pass_at_the_same_time(osci):
    commands = [osci.start("functional", name, "--json") for name in ("basic", "spread")]
    results = [command.finish() for command in commands]
    assert [result.code for result in results] == [0, 0], [result.err for result in results]


@pytest.mark.full
@pytest.mark.parametrize("phase", ["install", "deploy", "smoke", "harvest"])
def test_ctrl_c_in_a_run_of_openstack_leaves_nothing(osci, interrupt, phase):
    command = osci.start("functional", "single", "--json")
    command.wait_for(f"{phase} …")
    command.signal(interrupt)
    done = command.finish()
    assert (done.code, done.json["verdict"]) == (130, "interrupted")


def skips(done) -> str:
    """Return the cases that a run skipped, as the golden files have them."""
    found = cases.read(Path(done.json["run_directory"]) / "cases" / "smoke.jsonl")
    return "".join(
        f"{case.classname}.{case.name}: {case.message}\n"
        for case in found
        if case.outcome == "skipped"
    )


def timeless(done) -> dict:
    """Return what a run left, but for times, what was measured, and names of its own."""
    directory = Path(done.json["run_directory"])
    found = cases.read(directory / "cases" / "smoke.jsonl")
    tables = sorted(directory.glob("metrics/*.csv"))
    files = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return {
        "verdict": (done.code, done.json["verdict"], done.json["cause"], done.json["findings"]),
        "phases": [(phase["name"], phase["outcome"]) for phase in done.json["phases"]],
        "hosts": done.json["hosts"],
        "cases": [(case.title, case.outcome, case.message, case.details) for case in found],
        "columns": {path.name: path.read_text().splitlines()[0] for path in tables},
        "files": [str(path) for path in files],
    }


def assert_measured(directory: Path):
    """See that every service was measured, and that accounts which work a lot were counted."""
    memory, cpu, counters = (
        metrics.read_csv(directory / "metrics" / f"{name}.csv")
        for name in ("memory", "cpu", "counters")
    )
    services = {name.rpartition(".")[0] for name in memory}
    assert services > {"mariadb", "rabbitmq-server", "keystone", "nova-api", "nova-compute"}
    assert all(memory[f"{name}.peak"] >= memory[f"{name}.mean"] > 1 for name in services)
    assert all(f"{name}.{when}" in cpu for name in services for when in ("deploy", "suites"))
    assert counters["statements.keystone"] > 100
    assert counters["messages.nova-conductor"] > 10
    assert counters["log.INFO"] > 100
    plots = {path.stem for path in (directory / "plots").iterdir()}
    assert plots == {"api", "cpu", "hosts", "memory", "timeline"}


def measured(document: dict, name: str) -> dict[str, float]:
    return metrics.read_csv(Path(document["run_directory"]) / "metrics" / f"{name}.csv")


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
