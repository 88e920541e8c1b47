# SPDX-License-Identifier: Apache-2.0
"""Control groups that are frozen: they stand still, go on, and can be removed all the same."""

import secrets
import subprocess
import time

import pytest

from osci_jobs import groups
from osci_jobs.groups import cgroup

COUNT = "n=0; while :; do n=$((n + 1)); echo $n; sleep 0.01; done"


@pytest.fixture
def counting():
    """A control group with a process that counts, and the lines that it has printed."""
    name = f"osci-{secrets.token_hex(3)}-counting"
    cgroup.create(name, memory_bytes=1 << 28, processes=64, cpus=None)
    process = subprocess.Popen(
        cgroup.entrance(name, ["sh", "-c", COUNT]), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "1\n"
    yield name, process
    cgroup.remove(name)
    process.wait(10)
    process.stdout.close()


def printed(process) -> int:
    """Return the last number that was printed so far."""
    last = 0
    for _ in range(20):
        last = int(process.stdout.readline())
    return last


def test_what_is_frozen_stands_still_until_it_is_thawed(counting):
    name, process = counting
    cgroup.freeze(name)
    cgroup.freeze(name)
    before = processes_seconds(process.pid)
    time.sleep(0.3)
    assert processes_seconds(process.pid) == before
    cgroup.thaw(name)
    cgroup.thaw(name)
    assert printed(process) > 1


def test_what_is_frozen_can_be_removed(counting):
    name, process = counting
    cgroup.freeze(name)
    cgroup.remove(name)
    assert process.wait(10) < 0
    assert cgroup.processes(name) == []


def test_to_thaw_what_is_gone_does_nothing():
    cgroup.thaw("osci-000000-nothing")


def test_a_group_that_was_left_frozen_is_deleted_like_any_other(osci):
    done = osci("create", "hosts", "--json")
    assert done.code == 0, done.err
    groups.freeze(groups.look_up(osci.state, done.json["group"]))
    assert osci("delete", done.json["group"]).code == 0


def processes_seconds(pid: int) -> list[str]:
    """Return what the kernel has counted of a process: switches, faults, ticks."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return [line for line in file if "ctxt_switches" in line]
