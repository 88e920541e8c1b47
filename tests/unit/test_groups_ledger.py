# SPDX-License-Identifier: Apache-2.0
"""Tests that what is made for a group is known before it is made, and goes with its ledger."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from osci_jobs import groups
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import ledger as ledgers
from osci_jobs.groups import resource
from osci_jobs.groups.ledger import Ledger, Resource

NAMES = ["plain", "with space", "tab\there", "back\\slash", "größe", "new\nline"]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def mounted():
    """Mount a tmpfs on a directory; whatever is left of them goes at the end."""
    points: list[Path] = []

    def mount(point: Path) -> Path:
        point.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", point], check=True)
        points.append(point)
        return point

    yield mount
    for point in reversed(points):
        if point.is_mount():
            subprocess.run(["umount", point], check=True)


def open_ledger(state: Path, name: str = "osci-1") -> Ledger:
    return groups.open_ledger(state, name, "run-1")


def left_by_a_killed_command(state: Path, name: str, program: str):
    """Run `program`, which has the group's `ledger` open, in a process that kills itself."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from osci_jobs import groups\n"
        "ledger = groups.open_ledger(Path(sys.argv[1]), sys.argv[2], 'run-1')\n"
        f"{program}\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(state), name], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_record_is_on_disk_before_the_act(state):
    left_by_a_killed_command(state, "osci-1", "ledger.record('make', 'tree', '/there')")
    (line,) = ledgers.lines(state / "groups" / "osci-1.jsonl")
    assert {**line, "at": "", "marker": 0} == {
        **{"act": "make", "kind": "tree", "name": "/there", "run": "run-1"},
        **{"at": "", "marker": 0},
    }


def test_a_torn_last_line_is_left_out_and_what_follows_it_is_not(state):
    ledger = open_ledger(state)
    ledger.record("make", "tree", "/one")
    ledger.close()
    with ledger.path.open("a") as file:
        file.write('{"act": "make", "kind": "tree", "na')
    assert ledgers.resources(ledger.path) == [Resource("tree", "/one")]
    again = open_ledger(state)
    again.record("make", "tree", "/two")
    again.close()
    assert ledgers.resources(ledger.path) == [Resource("tree", "/two"), Resource("tree", "/one")]


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_as_they_were_recorded(state, name):
    ledger = open_ledger(state)
    ledger.record("make", "tree", f"/there/{name}")
    ledger.close()
    assert ledgers.resources(ledger.path) == [Resource("tree", f"/there/{name}")]


def test_a_group_has_one_owner(state):
    ledger = open_ledger(state)
    with pytest.raises(InfrastructureError) as caught:
        open_ledger(state)
    assert str(caught.value) == "The group 'osci-1' is in use by another osci command."
    ledger.close()
    open_ledger(state).close()


def test_a_group_is_free_when_its_owner_was_killed(state):
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from osci_jobs import groups\n"
        "ledger = groups.open_ledger(Path(sys.argv[1]), 'osci-1', '')\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(InfrastructureError, match="in use by another osci command"):
            open_ledger(state)
        owner.kill()
    open_ledger(state).close()


def test_a_child_of_the_owner_does_not_hold_the_group(state):
    ledger = open_ledger(state)
    with subprocess.Popen(["sleep", "99"], close_fds=True) as child:
        ledger.close()
        open_ledger(state).close()
        child.kill()


def test_resources_go_in_reverse_order_and_hosts_first(state):
    ledger = open_ledger(state)
    for kind, name in [
        ("tree", "/a"),
        ("mount", "/a"),
        ("network", "switch"),
        ("hosts", "host1"),
        ("mount", "/a/host2"),
        ("hosts", "host2"),
        ("tree", "/a"),
    ]:
        ledger.record("make", kind, name)
    ledger.record("keep")
    assert [(item.kind, item.name) for item in groups.resources_of(ledger)] == [
        ("hosts", "host2"),
        ("hosts", "host1"),
        ("tree", "/a"),
        ("mount", "/a/host2"),
        ("network", "switch"),
        ("mount", "/a"),
    ]
    ledger.close()


def test_a_group_is_kept_once_its_ledger_says_so(state):
    ledger = open_ledger(state)
    ledger.record("make", "tree", "/keep")
    assert not ledgers.is_kept(ledger.path)
    ledger.record("keep")
    assert ledgers.is_kept(ledger.path)
    ledger.close()


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError) as caught:
        open_ledger(tmp_path / "file" / "state")
    assert str(caught.value) == (
        f"The state directory '{tmp_path}/file/state' cannot be written: Not a directory; "
        "name another with --state-dir or OSCI_STATE_DIR."
    )


def test_clear_removes_what_a_dead_command_left(state, tmp_path, mounted):
    tree = tmp_path / "a tree"
    inside = tree / "with space"
    left_by_a_killed_command(
        state,
        "osci-dead",
        f"ledger.record('make', 'tree', {str(tree)!r})\n"
        f"ledger.record('make', 'mount', {str(inside)!r})\n"
        "ledger.record('make', 'tree', '/nowhere/never-made')",
    )
    (mounted(inside) / "file").write_text("in memory")
    (tree / "file").write_text("on disk")
    said: list[str] = []
    groups.clear(state, said.append)
    assert said == ["Removing the group 'osci-dead', whose command has died."]
    assert not tree.exists()
    assert str(inside) not in resource.mount_points()
    assert groups.found(state) == []


def test_clear_leaves_alone_what_is_kept_and_what_is_in_use(state, tmp_path, mounted):
    kept, used = (mounted(tmp_path / name) for name in ("kept", "used"))
    left_by_a_killed_command(
        state, "osci-kept", f"ledger.record('make', 'mount', {str(kept)!r}); ledger.record('keep')"
    )
    owned = open_ledger(state, "osci-used")
    owned.record("make", "mount", str(used))
    said: list[str] = []
    groups.clear(state, said.append)
    assert said == []
    assert {str(kept), str(used)} <= resource.mount_points()
    assert [path.stem for path in groups.found(state)] == ["osci-kept", "osci-used"]
    owned.close()


def test_what_cannot_be_removed_keeps_nothing_else_from_going(state, tmp_path, mounted):
    stuck, free = tmp_path / "stuck", tmp_path / "free"
    mounted(stuck / "inside")
    free.mkdir()
    ledger = open_ledger(state)
    ledger.record("make", "tree", str(free))
    ledger.record("make", "tree", str(stuck))
    with pytest.raises(InfrastructureError, match="is mounted there"):
        groups.delete(ledger)
    assert not free.exists()
    assert Resource("tree", str(stuck)) in ledgers.resources(ledger.path)
    ledger.close()
    resource.remove("mount", str(stuck / "inside"))
    groups.clear(state, lambda _: None)
    assert not stuck.exists()
    assert groups.found(state) == []


@pytest.mark.parametrize("inside", [".", "below", "with space"])
def test_a_tree_with_something_mounted_in_it_is_not_removed(tmp_path, mounted, inside):
    tree = tmp_path / "tree"
    (mounted(tree / inside) / "file").write_text("not osci's")
    with pytest.raises(InfrastructureError) as caught:
        resource.remove("tree", str(tree))
    point = tree / inside
    assert str(caught.value) == f"'{tree}' is not removed, for '{point}' is mounted there."
    assert (point / "file").read_text() == "not osci's"


def test_a_neighbour_with_a_longer_name_does_not_hold_a_tree(tmp_path, mounted):
    tree = tmp_path / "tree"
    tree.mkdir()
    mounted(tmp_path / "tree2")
    resource.remove("tree", str(tree))
    assert not tree.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_mount_point_may_have_any_name(tmp_path, mounted, name):
    point = mounted(tmp_path / name)
    assert str(point) in resource.mount_points()
    resource.remove("mount", str(point))
    assert not point.is_mount()


def test_mounts_on_top_of_each_other_all_go(tmp_path, mounted):
    point = mounted(mounted(tmp_path / "twice"))
    resource.remove("mount", str(point))
    assert str(point) not in resource.mount_points()


@pytest.mark.parametrize("kind", ["tree", "mount", "network", "hosts"])
def test_what_is_not_there_is_removed_already(kind, tmp_path):
    resource.remove(kind, str(tmp_path / "nothing") if kind in ("tree", "mount") else "osci-none")


def test_a_ledger_is_lines_of_json(state):
    ledger = open_ledger(state)
    ledger.record("make", "tree", "/there")
    (line,) = ledger.path.read_text().splitlines()
    assert sorted(json.loads(line)) == ["act", "at", "kind", "marker", "name", "run"]
    assert json.loads(line)["marker"] == os.getpid()
    ledger.close()
