# SPDX-License-Identifier: Apache-2.0
"""Tests of real playbooks, run by Ansible on this machine."""

import json
import sys
from pathlib import Path

import pytest

from osci_jobs import playbook
from osci_jobs.errors import LimitError

VARIABLES = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
INVENTORY = {"all": {"vars": VARIABLES, "hosts": {"one": None, "two": None}}}
FAIL = {"name": "Fail on one", "ansible.builtin.command": "sh -c 'echo because >&2; exit 3'"}


class Scene:
    """A directory with a playbook, and what running it said."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.scratch = directory / "scratch"
        self.scratch.mkdir()
        self.ssh_config = directory / "ssh_config"
        self.ssh_config.write_text("")
        self.said: list[tuple[str, str]] = []

    def write(self, *tasks: dict, **play: object) -> Path:
        """Write a playbook with one play; JSON is YAML."""
        path = self.directory / "book.yml"
        document = {"name": "Play", "hosts": "all", "gather_facts": False, "tasks": tasks, **play}
        path.write_text(json.dumps([document]))
        return path

    def run(self, book: Path, variables=(), silence_seconds: float = 20) -> playbook.Outcome:
        """Run a playbook; see that nothing of it is left in scratch."""
        try:
            return playbook.run(
                book,
                INVENTORY,
                dict(variables),
                self.ssh_config,
                self.scratch,
                silence_seconds,
                lambda text, host="": self.said.append((text, host)),
            )
        finally:
            assert list(self.scratch.iterdir()) == []


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_a_playbook_that_succeeds_has_no_failures_and_tells_of_its_tasks(scene):
    ignored = {**FAIL, "name": "Fail without harm", "ignore_errors": True}
    rescued = {
        "name": "Try",
        "block": [{**FAIL, "name": "Fail and be rescued"}],
        "rescue": [{"name": "Rescue", "ansible.builtin.debug": {"msg": "saved"}}],
    }
    outcome = scene.run(scene.write(ignored, rescued))
    assert outcome.failures == ()
    assert outcome.cpu_seconds > 0
    told = [text for text, host in scene.said if not host]
    assert told == ["Fail without harm", "Fail and be rescued", "Rescue"]


def test_a_task_that_fails_is_told_with_its_host_and_what_it_said(scene):
    book = scene.write(
        {**FAIL, "when": "inventory_hostname == 'one'"},
        {"name": "Go on", "ansible.builtin.file": {"path": "{{ there }}", "state": "touch"}},
    )
    outcome = scene.run(book, {"there": str(scene.directory / "went on")})
    (failure,) = outcome.failures
    assert failure == playbook.Failure("one", "Fail on one", "because", is_unreachable=False)
    assert ("Fail on one: because", "one") in scene.said
    assert (scene.directory / "went on").exists()


def test_a_host_that_cannot_be_reached_is_told_apart(scene):
    (scene.directory / "ssh_config").write_text("Host *\n  ProxyCommand false\n")
    outcome = scene.run(
        scene.write({"name": "Reach", "ansible.builtin.command": "true"}, connection="ssh"),
        {"ansible_connection": "ssh"},
    )
    assert {(failure.host, failure.is_unreachable) for failure in outcome.failures} == {
        ("one", True),
        ("two", True),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- hosts: all\n  tasks:\n  - {name: [\n", "YAML parsing failed: "),
        ("- hosts: all\n  roles: [no_such_role]\n", "the role 'no_such_role' was not found"),
        (
            "- hosts: all\n  tasks:\n  - no.such.module: {}\n",
            "couldn't resolve module/action 'no.such.module'.",
        ),
        (None, "the playbook: "),
    ],
    ids=["syntax", "role", "module", "playbook"],
)
def test_what_ansible_cannot_start_is_a_failure_of_no_host(scene, text, message):
    book = scene.directory / "book.yml"
    if text is not None:
        book.write_text(text)
    (failure,) = scene.run(book).failures
    assert (failure.host, failure.task, failure.is_unreachable) == ("", "", False)
    assert failure.message.startswith(f"[ERROR]: {message}")


def test_a_task_that_says_nothing_is_ended_with_all_that_it_started(scene):
    mark = f"osci-test-{scene.directory.name}"
    script = f"setsid python3 -c 'import time; time.sleep(998)' {mark} & echo > {mark}; sleep 998"
    hang = {"name": "Hang", "ansible.builtin.command": {"argv": ["sh", "-c", script]}}
    hang["args"] = {"chdir": str(scene.directory)}
    with pytest.raises(LimitError) as caught:
        scene.run(scene.write(hang), silence_seconds=4)
    assert str(caught.value) == "'book' said nothing for 4 s."
    assert ("Hang", "") in scene.said
    assert (scene.directory / mark).exists()
    assert _processes_with(mark) == []
    assert _processes_with(str(scene.scratch)) == []


def test_variables_are_templates_so_they_are_osci_s_own_words_only(scene):
    task = {
        "name": "Show",
        "ansible.builtin.copy": {"content": "{{ word }}", "dest": str(scene.directory / "word")},
        "run_once": True,
    }
    assert scene.run(scene.write(task), {"word": "{{ 6 * 7 }}"}).failures == ()
    assert (scene.directory / "word").read_text() == "42"


def test_what_ansible_is_given_is_for_its_owner_only_while_it_runs(scene):
    show = f"ls -ld {scene.scratch}/ansible-* > {scene.directory}/listed"
    task = {"name": "Look", "ansible.builtin.command": {"argv": ["sh", "-c", show]}}
    assert scene.run(scene.write({**task, "run_once": True}), {"secret": "s"}).failures == ()
    (line,) = (scene.directory / "listed").read_text().splitlines()
    assert line.startswith("drwx------")


def _processes_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found
