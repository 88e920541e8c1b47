# SPDX-License-Identifier: Apache-2.0
"""Two sides measured by turns: effects of known size are found, and nothing else is."""

import contextlib
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import effects
import git_daemon
import pytest
import trunk

from osci_jobs.groups import cgroup
from osci_jobs.regression import pairs

SINGLE = "single"
# What the branch changes, and one that it does not.
SCENARIOS = ("flavor-list", "image-list", "keypair", "server-boot", "server-list", "token")
# Where the paired data go, to become those of the unit tests and of benchmarks/regression.
KEPT = os.environ.get("OSCI_KEEP_PAIRS", "")
SEED = int(os.environ.get("OSCI_EFFECTS_SEED", random.SystemRandom().randrange(1 << 32)))
TIMES = 3
NULL_RUNS = 5


def compared(osci, *words: str) -> dict:
    """Measure two sides of single, and return what `--json` says."""
    named = [word for name in SCENARIOS for word in ("--scenario", name)]
    done = osci("stress", SINGLE, *named, *words, "--json")
    assert done.code in (0, 1, 6), done.err
    return done.json


def kept(found: dict, name: str) -> None:
    """Keep the pairs of a run where that was asked for, and print what came of them."""
    if KEPT:
        file = Path(found["run_directory"]) / "pairs.csv.gz"
        shutil.copy(file, Path(KEPT) / f"{name}.csv.gz")
    changed = [one for one in found["comparison"]["findings"] if one["is_changed"]]
    print(f"\n{name}: {found['seconds']:.0f} s, {found['comparison']['tested']} tested")
    for one in changed:
        numbers = [one[key] for key in ("effect", "low", "high", "before", "after")]
        told = ["none" if number is None else f"{number:.4g}" for number in numbers]
        print("  {} {}: {} ({} to {}), {} to {}".format(one["answer"], one["name"], *told))


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """Trunks of nova and keystone with their branches, served by git."""
    directory = tmp_path_factory.mktemp("effects")
    drawn = effects.Effects.draw(SEED)
    print(f"\n{drawn}")
    repositories = effects.make(directory, drawn)
    daemon = git_daemon.Daemon(directory)
    urls = {name: f"{daemon.url}/{name}" for name in repositories}
    yield drawn, urls
    daemon.close()


@pytest.fixture
def against_trunk(osci, branches, tmp_path, monkeypatch):
    """Hold a branch of both projects against their trunks."""
    drawn, urls = branches
    named = {name: {"url": url, "branch": "master"} for name, url in urls.items()}
    monkeypatch.setenv("OSCI_PROJECTS", str(trunk.projects(tmp_path, projects=named)))

    def run(branch: str) -> tuple[effects.Effects, dict]:
        sides = (("--against", "master"), ("--branch", branch))
        words = [
            word
            for option, ref in sides
            for name, url in urls.items()
            for word in (option, f"{name}={url}@{ref}")
        ]
        # Five pairs see what differs by a fifth; the least sleep that is drawn is a tenth.
        return drawn, compared(osci, *words, "--until-clear")

    return run


@pytest.mark.full
@pytest.mark.parametrize("time", range(TIMES))
def test_effects_of_known_size_are_found(against_trunk, time):
    drawn, found = against_trunk("effects")
    kept(found, f"effects-{drawn.seed}-{time}")
    findings = {one["name"]: one for one in found["comparison"]["findings"]}
    assert_found(findings["server-list.p50"], "worse", seconds=drawn.sleep_seconds)
    boot = findings["server-boot.nova-scheduler.statements"]
    assert_found(boot, "worse", seconds=drawn.statements)
    flavors = findings["flavor-list.nova-api.memory"]
    assert flavors["answer"] == "worse"
    assert flavors["low"] <= drawn.kept_kib <= flavors["high"]
    assert_found(findings["token.keystone.cpu"], "better", seconds=-drawn.saved_seconds)
    assert findings["keypair.errors"]["answer"] == "worse"
    keypair = [one for name, one in findings.items() if name.startswith("keypair.")]
    assert all(one["answer"] != "better" for one in keypair)
    assert [one for name, one in findings.items() if is_false(name, one)] == []
    assert found["verdict"] == "regression"


def assert_found(finding: dict, answer: str, seconds: float):
    """See that the finding says so, with an interval that holds the truth."""
    assert finding["answer"] == answer, finding
    truth = seconds / finding["before"]
    assert finding["low"] <= truth <= finding["high"], (truth, finding)


def is_false(name: str, finding: dict) -> bool:
    """Tell whether a change is reported where the branch changes nothing."""
    return finding["is_changed"] and name.startswith("image-list.")


@pytest.mark.full
@pytest.mark.parametrize("time", range(TIMES))
def test_of_a_comment_nothing_is_reported(against_trunk, time):
    drawn, found = against_trunk("comment")
    kept(found, f"comment-{drawn.seed}-{time}")
    assert [one["name"] for one in found["comparison"]["findings"] if one["is_changed"]] == []
    assert found["verdict"] == "success"
    assert not found["comparison"]["plan"]["is_null"]


@pytest.mark.full
def test_null_runs_cry_wolf_once_in_five_at_the_most(osci):
    alarms = []
    for number in range(NULL_RUNS):
        found = compared(osci, "--against")
        kept(found, f"null-{number}")
        assert found["comparison"]["plan"]["is_null"]
        alarms += [one["name"] for one in found["comparison"]["findings"] if one["is_changed"]]
    print(f"\nfalse alarms in {NULL_RUNS} null runs: {len(alarms)} {alarms}")
    assert len(alarms) <= 1
    (history,) = (osci.state / "history").iterdir()
    ratios = json.loads(history.read_text())["metrics"]["token.p50"]
    assert len(ratios) == 5 * NULL_RUNS


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_was_measured_survives_and_the_groups_go(osci, number):
    words = ("--against", "--scenario", "token", "--pairs", "100")
    command = osci.start("stress", SINGLE, *words)
    command.wait_for("pair 3: token")
    command.signal(number)
    done = command.finish()
    assert done.code == (130 if number == signal.SIGINT else -number), done.err
    assert osci("groups").code == 0
    (directory,) = osci.runs
    found = {one.name: one for one in pairs.read(directory / "pairs.csv.gz")}
    assert len(found["token.p50"].before) == 2
    assert osci("report", str(directory)).code == 0
    record = json.loads((directory / "run.json").read_text())
    assert (record["verdict"], record["cause"]["phase"]) == ("interrupted", "comparison")


@pytest.mark.full
def test_a_group_that_is_lost_is_made_anew_and_its_pair_repeated(osci):
    words = ("--against", "--scenario", "token", "--pairs", "3", "--json")
    command = osci.start("stress", SINGLE, *words)
    command.wait_for("pair 2: token")
    end_host(osci.groups[0], "host1")
    done = command.finish()
    assert done.code in (0, 6), done.err
    assert "It is made anew, and what was measured of pair 2 is repeated." in done.err
    found = {one["name"]: one for one in done.json["comparison"]["findings"]}
    assert found["token.p50"]["pairs"] == 3
    (directory,) = osci.runs
    lost = [json.loads(path.read_text()) for path in directory.glob("*/run.json")]
    assert sorted(one["verdict"] for one in lost) == ["infrastructure", "success", "success"]
    assert {path.name for path in directory.glob("*-2")} in ({"before-2"}, {"after-2"})


def end_host(group: str, host: str):
    """End all that runs on a host, as a power cut would."""
    while pids := cgroup.processes(f"{group}-{host}"):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
