# SPDX-License-Identifier: Apache-2.0
"""The kinds of things that are made for a group, and how each is removed.

Every removal may be repeated and does nothing when the thing is not there, so
that a group can be removed by its ledger alone, whoever died before.
"""

import re
import shutil
import time
from pathlib import Path

from osci_jobs import process
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import cgroup

# The mount namespace of a host that was killed goes a moment after its processes.
_UNMOUNT_SECONDS = 5


def remove(kind: str, name: str) -> None:
    """Remove one resource; raise InfrastructureError when it stays."""
    _REMOVALS[kind](name)


def _remove_mount(path: str) -> None:
    until = time.monotonic() + _UNMOUNT_SECONDS
    while path in mount_points():
        done = process.call(["umount", path])
        if done.returncode and time.monotonic() > until:
            raise InfrastructureError(f"'{path}' cannot be unmounted: {done.stderr.strip()}")
        if done.returncode:
            time.sleep(0.02)


def _remove_network(name: str) -> None:
    if Path("/run/netns", name).exists():
        done = process.call(["ip", "netns", "delete", name])
        if done.returncode and Path("/run/netns", name).exists():
            raise InfrastructureError(
                f"The network namespace '{name}' cannot be removed: {done.stderr.strip()}"
            )


def _remove_tree(path: str) -> None:
    inside = [point for point in mount_points() if point == path or point.startswith(path + "/")]
    if inside:
        raise InfrastructureError(f"'{path}' is not removed, for '{inside[0]}' is mounted there.")
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InfrastructureError(f"'{path}' cannot be removed: {error.strerror}.") from error


def mount_points() -> set[str]:
    """Return where something is mounted in this process's mount namespace."""
    table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return {_unescaped(line.split(" ")[4]) for line in table.split("\n")[:-1]}


def _unescaped(text: str) -> str:
    """Return a path of mountinfo as it is: its blanks and backslashes are octal there."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


_REMOVALS = {
    "hosts": cgroup.remove,
    "mount": _remove_mount,
    "network": _remove_network,
    "tree": _remove_tree,
}
