# SPDX-License-Identifier: Apache-2.0
"""Life and death of groups, on the deployment `hosts`: two bare hosts and a tester."""

import json
import signal
import time
from pathlib import Path

import pytest

PHASES = ["install", "create", "reach", "harvest", "delete"]
# CI has time for those whose ends differ most.
FEW_PHASES = [
    phase if phase in ("create", "harvest") else pytest.param(phase, marks=pytest.mark.full)
    for phase in PHASES
]


def record_of(directory: Path) -> dict:
    return json.loads((directory / "run.json").read_text())


def test_a_run_passes_and_leaves_its_results(osci):
    done = osci("functional", "hosts", "--json")
    assert done.code == 0, done.err
    assert done.json["verdict"] == "success"
    directory = Path(done.json["run_directory"])
    assert directory == osci.runs[0]
    names = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    assert names >= {
        *("run.json", "log.jsonl", "manifest.json", "report.txt", "report.html"),
        *("junit/reach.xml", "metrics/phases.csv", "metrics/api.csv"),
        *("logs/host1/journal.log", "logs/host2/journal.log", "logs/tester/journal.log"),
    }
    assert done.json["suites"]["reach"]["passed"] == 2


@pytest.mark.parametrize("phase", FEW_PHASES)
def test_ctrl_c_in_a_phase_leaves_a_partial_result_only(osci, interrupt, phase):
    command = osci.start("functional", "hosts", "--json")
    command.wait_for(f"{phase} …")
    command.signal(interrupt)
    done = command.finish()
    assert done.code == 130, done.err
    assert done.json["verdict"] == "interrupted"
    assert done.json["cause"]["phase"] == phase
    assert record_of(osci.runs[0])["verdict"] == "interrupted"
    osci("groups")


def test_term_ends_with_its_own_exit_code(osci):
    command = osci.start("functional", "hosts")
    command.wait_for("create …")
    command.signal(signal.SIGTERM)
    assert command.finish().code == 143


def test_a_second_ctrl_c_skips_to_the_end_and_the_next_command_clears(osci, interrupt):
    command = osci.start("functional", "hosts", "--json")
    command.wait_for("reach …")
    command.signal(interrupt)
    command.wait_for("harvest …")
    command.signal(interrupt)
    done = command.finish()
    assert done.code == 130
    assert "delete" not in [phase["name"] for phase in done.json["phases"]]
    assert "whose command has died" in osci("groups").err


@pytest.mark.parametrize("phase", FEW_PHASES)
def test_the_next_command_clears_what_kill_9_left(osci, until, phase):
    command = osci.start("functional", "hosts")
    command.wait_for(f"{phase} …")
    time.sleep(0.2)
    command.signal(signal.SIGKILL)
    assert command.finish().code == -signal.SIGKILL
    assert osci("groups").code == 0


def test_ctrl_c_while_the_image_is_made_leaves_no_part_of_it(osci, interrupt, tmp_path):
    osci.cache = tmp_path / "cache"
    command = osci.start("functional", "hosts")
    command.wait_for("Making the hosts' image")
    time.sleep(3)
    command.signal(interrupt)
    assert command.finish().code == 130
    assert [path.name for path in (osci.cache / "images").iterdir() if path.is_dir()] == []


def test_kill_9_while_the_image_is_made_leaves_no_part_of_it(osci, tmp_path):
    osci.cache = tmp_path / "cache"
    command = osci.start("functional", "hosts")
    command.wait_for("Making the hosts' image")
    time.sleep(3)
    command.signal(signal.SIGKILL)
    command.finish()
    osci("groups")
    assert [path.name for path in (osci.cache / "images").iterdir() if path.is_dir()] == []


def test_a_group_is_used_by_hand_and_by_suites_and_removed(osci):
    made = osci("create", "hosts", "--json")
    assert made.code == 0, made.err
    group = made.json["access"]["group"]
    assert osci("ssh", group, "host1", "hostname").out == "host1\n"
    assert osci("ssh", group, "host1", "sh", "-c", "exit 7").code == 7
    assert osci("ssh", group, "host1", "printf", "%s|", "a b", "$HOME").out == "a b|$HOME|"
    ran = osci("functional", "--group", group, "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "success")
    (row,) = osci("groups", "--json").json["groups"]
    assert (row["group"], row["state"]) == (group, "kept")
    assert osci("delete", "hosts", "--dry-run").out == f"would remove {group}\n"
    assert osci("delete", "hosts").code == 0
    assert osci("groups", "--json").json == {"groups": []}


def test_two_groups_run_side_by_side(osci):
    commands = [osci.start("functional", "hosts", "--json") for _ in range(2)]
    assert [command.finish().code for command in commands] == [0, 0]


def test_a_failing_case_keeps_the_group_when_asked(osci, deployments):
    directory = deployments(hosts=FAILING)
    done = osci("functional", "hosts", *directory, "--keep", "failed", "--json")
    assert (done.code, done.json["verdict"]) == (1, "failure")
    assert "host2 is not there" in json.dumps(done.json["cause"])
    assert osci("functional", "hosts", *directory, "--ci").code == 0
    assert osci("delete", "hosts").code == 0


def test_a_suite_without_cases_is_empty(osci, deployments):
    directory = deployments(hosts=suite("print('nothing to do')"))
    done = osci("functional", "hosts", *directory, "--json")
    assert done.code in (1, 5)


def test_a_limit_of_time_ends_a_hanging_suite(osci, deployments):
    directory = deployments(
        hosts=suite("import time; [print(i, flush=True) or time.sleep(1) for i in range(99)]")
    )
    started = time.monotonic()
    done = osci("functional", "hosts", *directory, "--timeout", "suite=3", "--json")
    assert (done.code, done.json["verdict"]) == (8, "timeout")
    assert "went past its limit of 3 s" in done.json["cause"]["message"]
    assert time.monotonic() - started < 90


@pytest.mark.full
def test_a_limit_of_silence_is_told_apart(osci, deployments):
    document = suite("import time; time.sleep(99)")
    document["timeouts"] = {"suite": {"seconds": 60, "silence": 2}}
    done = osci("functional", "hosts", *deployments(hosts=document), "--json")
    assert (done.code, done.json["verdict"]) == (8, "timeout")
    assert "said nothing for 2 s" in done.json["cause"]["message"]


@pytest.mark.parametrize("seconds", ["0.03", "0.05", "0.07", "0.09", "0.11", "0.13", "0.15", "0.2"])
def test_a_limit_ends_create_wherever_it_is(osci, seconds):
    done = osci("functional", "hosts", "--timeout", f"create={seconds}", "--json")
    assert (done.code, done.json["cause"]["phase"]) == (8, "create")
    assert done.json["later"] == []


def test_a_host_cannot_use_more_memory_than_it_has(osci, deployments):
    document = suite("pass")
    document["host"] = [{"name": "host1", "hardware": {"memory": "256 MiB"}}]
    made = osci("create", "hosts", *deployments(hosts=document), "--json")
    group = made.json["access"]["group"]
    eat = "x = bytearray(1 << 30); print(len(x))"
    done = osci("ssh", group, "host1", "/usr/bin/python3", "-c", eat)
    assert done.code != 0
    assert done.out == ""
    assert osci("delete", group).code == 0


def test_results_go_where_they_are_asked_for_and_an_earlier_run_is_replaced(osci, tmp_path):
    for _ in range(2):
        assert osci("functional", "hosts", "--run-directory", "run", "--ci").code == 0
    assert record_of(tmp_path / "run")["verdict"] == "success"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    done = osci("functional", "hosts", "--run-directory", "mine")
    assert done.code == 2
    assert (tmp_path / "mine" / "notes").read_text() == "mine"


def suite(program: str) -> dict:
    """A deployment of one host whose suite is a Python program."""
    return {
        "host": [{"name": "host1"}],
        "suites": [
            {
                "suite": "command",
                "name": "program",
                "command": ["/usr/bin/python3", "-c", program],
                "junit": "junit.xml",
            }
        ],
    }


FAILING = suite(
    "open('junit.xml', 'w').write('<testsuite><testcase name=\"reach\">"
    '<failure message="host2 is not there"/></testcase></testsuite>\')'
)


@pytest.fixture
def deployments(tmp_path):
    """Write deployment files; return the option that names their directory."""

    def write(**documents: dict) -> list[str]:
        directory = tmp_path / "deployments"
        directory.mkdir()
        for name, document in documents.items():
            (directory / f"{name}.json").write_text(json.dumps(document))
        return ["--deployment-config-dir", str(directory)]

    return write
