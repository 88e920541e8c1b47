# SPDX-License-Identifier: Apache-2.0
"""Twelve planted faults: for each the verdict, the exit code, the cause and the first screen."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tinyhtml5.parser import HTMLParser

import osci_jobs
from osci_jobs import data
from osci_jobs.groups import cgroup
from osci_jobs.results import manifest

FIRST_SCREEN_LINES = 24
BIG_SUITE = Path(__file__).parents[1] / "data" / "faults" / "print_a_gigabyte.py"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Tree:
    """A copy of osci's tree that faults are planted in."""

    def __init__(self, directory: Path):
        self.directory = directory
        shutil.copytree(Path(osci_jobs.__file__).parent, directory / "osci_jobs")
        for name in ("playbooks", "config", "jobs"):
            shutil.copytree(data.directory() / name, directory / name)

    @property
    def words(self) -> list[str]:
        """The words of a command line that let osci find the tree's deployments."""
        return ["--deployment-config-dir", str(self.directory / "config" / "deploy")]

    def replace(self, file: str, old: str, new: str):
        path = self.directory / "playbooks" / file
        text = path.read_text()
        assert old in text, f"'{file}' has changed: the fault cannot be planted"
        path.write_text(text.replace(old, new))

    def run_first(self, book: str, host: str, *commands: list[str]):
        """Have the playbook run commands on a host before all else."""
        tasks = [
            {"name": "Plant", "ansible.builtin.command": {"argv": list(command)}}
            for command in commands
        ]
        play = {"name": "Plant a fault", "hosts": host, "gather_facts": False, "tasks": tasks}
        path = self.directory / "playbooks" / book
        text = path.read_text()
        # JSON is YAML: the play goes in front of the others.
        path.write_text(text.replace("---\n", f"---\n- {json.dumps(play)}\n", 1))

    def write(self, name: str, document: dict):
        path = self.directory / "config" / "deploy" / f"{name}.json"
        path.write_text(json.dumps(document))


@pytest.fixture
def tree(tmp_path, osci, monkeypatch):
    """A tree of the test's own, which osci runs from."""
    copy = Tree(tmp_path / "tree")
    # What does not come in this time does not come at all.
    copy.replace("roles/tester/vars/main.yml", '"{{ osci_ready_seconds }}"', "100")
    monkeypatch.setenv("PYTHONPATH", str(copy.directory))
    return copy


def run(osci, tree: Tree, name: str) -> tuple[dict, str]:
    """Run a deployment of the tree; return record and report after looking at all that it left."""
    return finished(osci("functional", name, "--json", *tree.words))


def run_and_break(osci, tree: Tree, command: str) -> tuple[dict, str]:
    """Run a deployment, and a command of the shell on its `host1` as the suite begins."""
    tree.write("small", small())
    under_way = osci.start("functional", "small", "--json", *tree.words)
    under_way.wait_for("smoke …")
    (group,) = osci.groups
    assert osci("ssh", group, "host1", command).code == 0
    return finished(under_way.finish())


def finished(done) -> tuple[dict, str]:
    assert "Traceback" not in done.err, done.err
    directory = Path(done.json["run_directory"])
    assert_whole(directory)
    assert done.code == done.json["exit_code"]
    return done.json, (directory / "report.txt").read_text()


def assert_whole(directory: Path):
    """See that every file of the result is there, well-formed, and as the manifest says."""
    assert manifest.verify(directory) == []
    for path in directory.glob("junit/*.xml"):
        ElementTree.parse(path)
    for path in directory.glob("plots/*.svg"):
        ElementTree.parse(path)
    html = (directory / "report.html").read_text()
    parser = HTMLParser()
    parser.parse(html)
    assert parser.errors == []
    assert "<script" not in html
    for name in ("report.txt", "report.html"):
        text = (directory / name).read_text()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def assert_first_screen(report: str, *words: str):
    screen = " ".join("\n".join(report.splitlines()[:FIRST_SCREEN_LINES]).split())
    for word in words:
        assert word in screen, report


def small(**host2: object) -> dict:
    """Return a deployment of two hosts, the second for the compute alone."""
    return {
        "host": [{"name": "host1"}, {"name": "host2", **host2}],
        "api": [{"host": "host1"}],
        "compute": [{"host": "host2"}],
        "suites": [{"suite": "smoke", "server_build_timeout": 10}],
    }


@pytest.mark.full
def test_a_wrong_password_in_one_role(osci, tree):
    tree.replace(
        "roles/placement/vars/main.yml",
        "placement:{{ osci_secrets['database/placement'] }}@",
        "placement:wrong@",
    )
    record, report = run(osci, tree, "single")
    assert (record["verdict"], record["exit_code"]) == ("deploy", 7)
    cause = record["cause"]
    assert (cause["host"], cause["unit"]) == ("host1", "placement-init")
    assert "Access denied for user 'placement'" in cause["line"]
    assert_first_screen(report, "DEPLOY", "placement-init", "Access denied for user 'placement'")


@pytest.mark.full
def test_a_unit_that_dies_at_start(osci, tree):
    tree.replace(
        "roles/nova/vars/main.yml",
        "{{ nova_start }} nova-scheduler nova.cmd.scheduler",
        "{{ nova_python }} -c 'raise RuntimeError(\\\"planted\\\")'",
    )
    record, report = run(osci, tree, "single")
    assert (record["verdict"], record["exit_code"]) == ("deploy", 7)
    cause = record["cause"]
    assert (cause["host"], cause["unit"]) == ("host1", "nova-scheduler")
    assert "RuntimeError: planted" in cause["line"]
    assert any(cause["line"] in line for line in cause["context"])
    assert cause["file"] == "logs/host1/journal/nova-scheduler.log"
    assert_first_screen(report, "DEPLOY", "nova-scheduler", "host1", "RuntimeError: planted")


@pytest.mark.full
def test_a_unit_that_dies_during_the_suite(osci, tree):
    file = "/etc/systemd/system/nova-conductor.service"
    record, report = run_and_break(
        osci,
        tree,
        f"sed -i s/Restart=.*/Restart=no/ {file} && systemctl daemon-reload"
        " && systemctl kill --signal=KILL nova-conductor",
    )
    assert (record["verdict"], record["exit_code"]) == ("failure", 1)
    assert "servers.test_001_create_server" in record["cause"]["message"]
    found = record["findings"][0]
    assert (found["host"], found["unit"]) == ("host1", "nova-conductor")
    assert "ended by signal 9" in found["message"]
    assert_first_screen(report, "FAILURE", "test_001_create_server", "nova-conductor")


@pytest.mark.full
def test_a_full_disk_on_one_host(osci, tree):
    document = small()
    document["host"][0]["hardware"] = {"disk": "64 MiB"}
    tree.write("small", document)
    record, report = run(osci, tree, "small")
    assert (record["verdict"], record["exit_code"]) == ("infrastructure", 3)
    assert record["cause"]["host"] == "host1"
    assert_first_screen(report, "INFRASTRUCTURE", "The disk of 'host1' is full")


@pytest.mark.full
def test_a_broker_that_stops(osci, tree):
    record, report = run_and_break(osci, tree, "systemctl stop rabbitmq-server")
    assert (record["verdict"], record["exit_code"]) == ("failure", 1)
    stopped = [found for found in record["findings"] if found["unit"] == "rabbitmq-server"]
    assert stopped[0]["message"] == "'rabbitmq-server' on 'host1' was stopped."
    assert_first_screen(report, "FAILURE", "test_001_create_server", "rabbitmq-server")


@pytest.mark.full
def test_a_wrong_endpoint(osci, tree):
    tree.replace("group_vars/all.yml", ":9292", ":9999")
    record, report = run(osci, tree, "single")
    assert (record["verdict"], record["exit_code"]) == ("deploy", 7)
    assert (record["cause"]["host"], record["cause"]["unit"]) == ("host1", "glance")
    assert_first_screen(report, "DEPLOY", "glance", ":9999")


@pytest.mark.full
def test_a_clock_an_hour_off_on_one_host(osci, tree):
    if not Path(FAKETIME).exists():
        subprocess.run(["apt-get", "install", "-qy", "libfaketime"], check=True)
    shutil.copy(FAKETIME, tree.directory / "playbooks" / "roles" / "host" / "files")
    tree.write("small", small())
    library = "/usr/local/lib/libfaketime.so.1"
    off = f"LD_PRELOAD={library} FAKETIME=+1h"
    # Services get it from systemd, whoever logs in from sshd, which itself would not live with it.
    contents = {
        "/etc/systemd/system.conf": f"[Manager]\nDefaultEnvironment={off}\n",
        "/etc/ssh/sshd_config.d/clock.conf": f"SetEnv {off}\n",
    }
    tasks = [
        {"ansible.builtin.copy": {"src": "roles/host/files/libfaketime.so.1", "dest": library}},
        *(
            {"ansible.builtin.copy": {"content": content, "dest": path}}
            for path, content in contents.items()
        ),
        {"ansible.builtin.command": {"argv": ["systemctl", "daemon-reexec"]}},
        {"ansible.builtin.command": {"argv": ["systemctl", "reload", "ssh"]}},
    ]
    play = {"hosts": "host2", "gather_facts": False, "tasks": tasks}
    path = tree.directory / "playbooks" / "deploy.yml"
    path.write_text(path.read_text().replace("---\n", f"---\n- {json.dumps(play)}\n", 1))
    record, report = run(osci, tree, "small")
    # OpenStack bears it, for nova takes its conductor's time; had a case failed, the machine
    # would have got the blame (tests/unit/test_results_diagnosis.py).
    assert (record["verdict"], record["exit_code"]) == ("success", 0)
    assert [found["host"] for found in record["findings"]] == ["host2"]
    said = "The clock of 'host2' is 60 min ahead of this machine's"
    assert_first_screen(report, "SUCCESS", said)


@pytest.mark.full
def test_a_port_taken(osci, tree):
    server = ["/usr/bin/python3", "-m", "http.server", "8774"]
    tree.run_first("deploy.yml", "host1", ["systemd-run", "--unit=squatter", *server])
    record, report = run(osci, tree, "single")
    assert (record["verdict"], record["exit_code"]) == ("deploy", 7)
    cause = record["cause"]
    assert (cause["host"], cause["unit"]) == ("host1", "nova-api")
    assert "Address already in use" in cause["line"]
    assert_first_screen(report, "DEPLOY", "nova-api", "Address already in use")


@pytest.mark.full
def test_a_host_that_freezes(osci, tree):
    tree.write("small", small())
    command = osci.start("functional", "small", "--json", *tree.words)
    command.wait_for("smoke …")
    (group,) = osci.groups
    for pid in cgroup.processes(f"{group}-host2"):
        os.kill(pid, signal.SIGSTOP)
    record, report = finished(command.finish())
    assert (record["verdict"], record["exit_code"]) == ("infrastructure", 3)
    assert record["cause"]["host"] == "host2"
    assert {host["name"] for host in record["hosts"]} == {"tester", "host1"}
    harvest = next(phase for phase in record["phases"] if phase["name"] == "harvest")
    assert harvest["seconds"] < 20
    assert_first_screen(report, "INFRASTRUCTURE", "The host 'host2' does not answer")


def test_a_syntax_error_in_a_playbook(osci, tree):
    path = tree.directory / "playbooks" / "roles" / "host" / "tasks" / "main.yml"
    path.write_text(path.read_text() + "- name: [unclosed\n")
    record, report = run(osci, tree, "single")
    assert (record["verdict"], record["exit_code"]) == ("infrastructure", 3)
    assert "roles/host/tasks/main.yml" in record["cause"]["message"]
    assert_first_screen(report, "INFRASTRUCTURE", "roles/host/tasks/main.yml")


def test_a_suite_that_hangs(osci, tree):
    tree.write("hung", suite_on_bare_hosts(["/bin/sh", "-c", "echo before; exec sleep 1000"]))
    record, report = run(osci, tree, "hung")
    assert (record["verdict"], record["exit_code"]) == ("timeout", 8)
    assert "said nothing for 2 s" in record["cause"]["message"]
    assert "before" in record["cause"]["context"]
    assert_first_screen(report, "TIMEOUT", "said nothing for 2 s", "before")


def test_a_suite_that_prints_a_gigabyte(osci, tree):
    shutil.copy(BIG_SUITE, tree.directory / "config" / "suites")
    document = suite_on_bare_hosts(["/usr/bin/python3", BIG_SUITE.name])
    document["suites"][0]["copy"] = [f"../suites/{BIG_SUITE.name}"]
    del document["timeouts"]
    tree.write("loud", document)
    record, report = run(osci, tree, "loud")
    assert (record["verdict"], record["exit_code"]) == ("failure", 1)
    directory = Path(record["run_directory"])
    assert (directory / "logs" / "suites" / "loud.log").stat().st_size < 3 << 20
    assert_first_screen(report, "FAILURE", "it was loud", r"\x1b[31m")


def suite_on_bare_hosts(command: list[str]) -> dict:
    suite = {"suite": "command", "name": "loud", "command": command, "junit": "junit.xml"}
    return {
        "host": [{"name": "host1"}],
        "suites": [suite],
        "timeouts": {"suite": {"seconds": 60, "silence": 2}},
    }
