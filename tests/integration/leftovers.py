# SPDX-License-Identifier: Apache-2.0
"""Seeing that osci leaves nothing behind on this machine."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from running import Osci

# What may take this long to go after a command has ended.
GRACE_SECONDS = 2


@contextmanager
def leaving_nothing(directory: Path) -> Iterator[Osci]:
    """Give a test, or the tests of a module, an osci that must leave the machine as it was."""
    subprocess.run(["ip", "netns", "list"], check=True)
    before = machine()
    command = Osci(directory)
    try:
        yield command
        assert_nothing_left(before)
        assert list(command.temporary.iterdir()) == []
        assert command.groups == []
    finally:
        # What a failed test leaves must not fail the next one too.
        if command.groups:
            command("delete", *command.groups)


def assert_nothing_left(before: dict[str, set], but: tuple[str, ...] = ()):
    """Compare the machine with what it was before, in all kinds but those of `but`."""
    end = time.monotonic() + GRACE_SECONDS
    while (left := _difference(before, machine(), but)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left, left


def _difference(before, after, but) -> dict[str, set]:
    kinds = [kind for kind in after if kind not in but]
    return {kind: after[kind] - before[kind] for kind in kinds if after[kind] - before[kind]}


def machine() -> dict[str, set]:
    """Return what a run could leave on this machine, each kind as a set."""
    return {
        "processes": _processes(),
        "mounts": _mounts(),
        "network namespaces": set(_names("/run/netns")),
        "links": set(_names("/sys/class/net")),
        "control groups": _control_groups(),
        "firewall rules": _firewall_rules(),
        "temporary files": {name for name in _names("/tmp") if "osci" in name},
        "files of a moment": set(_names("/run/osci")),
        "nspawn": set(_names("/run/systemd/nspawn/unix-export")),
        "state": set(_names("/var/lib/osci/groups")),
    }


def _processes() -> set[tuple[int, str]]:
    """Return the living descendants of this process.

    It is a subreaper (prctl(2)), so that what osci leaves behind becomes its
    child, and what others do on this machine does not count.
    """
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text()
        except OSError:
            continue
        name = words[words.index("(") + 1 : words.rindex(")")]
        state, parent = words[words.rindex(")") + 2 :].split()[:2]
        if state != "Z":
            parents[int(path.name)] = (int(parent), name)
    return {(pid, name) for pid, (_, name) in parents.items() if _is_below(pid, parents)}


def _is_below(pid: int, parents: dict[int, tuple[int, str]]) -> bool:
    while pid in parents:
        pid = parents[pid][0]
        if pid == os.getpid():
            return True
    return False


def _mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # iproute2 makes this one with the machine's first network namespace, for good.
    return {line.split()[4] for line in lines} - {"/run/netns"}


def _control_groups() -> set[str]:
    return {
        directory
        for directory, _, _ in os.walk("/sys/fs/cgroup")
        if "osci" in directory.rpartition("/")[2]
    }


def _firewall_rules() -> set[str]:
    rules = set()
    for command in (["nft", "list", "ruleset"], ["iptables-save"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            continue
        rules |= {line for line in done.stdout.splitlines() if not line.startswith("#")}
    return rules


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
