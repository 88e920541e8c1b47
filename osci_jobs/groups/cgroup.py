# SPDX-License-Identifier: Apache-2.0
"""Control groups: the limits of a host, set from outside it, and the list of its processes.

Inside a host systemd's own limits do nothing where the version-1 controllers
are read-only, without an error; those set here hold.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from osci_jobs.errors import InfrastructureError

ROOT = Path("/sys/fs/cgroup")
# Version-1 hierarchies that are used where they exist; version 2 has one for all.
_HIERARCHIES = ("memory", "pids", "cpu", "freezer", "systemd", "unified")
_KILL_SECONDS = 10
_FREEZE_SECONDS = 10
# Versions 1 and 2: where a control group is frozen, what stops and what starts it, and where
# the kernel says that all of it has stopped.
_FREEZERS = (
    (ROOT / "freezer", "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"),
    (ROOT, "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"),
)
_ENTER = Path(__file__).with_name("enter.py")


def require_writable():
    """Raise InfrastructureError when this machine lets nobody make control groups."""
    refused = [str(path) for path in _hierarchies() or [ROOT] if not os.access(path, os.W_OK)]
    if refused:
        raise InfrastructureError(
            f"No control group can be made in '{refused[0]}'; osci needs a machine whose "
            f"{ROOT} is writable."
        )


def create(name: str, *, memory_bytes: int, processes: int, cpus: int | None):
    """Make the control group `name` in every hierarchy and set its limits."""
    try:
        for hierarchy in _hierarchies():
            (hierarchy / name).mkdir(exist_ok=True)
        _limit(name, "memory", ("memory.limit_in_bytes", "memory.max"), str(memory_bytes))
        _limit(name, "pids", ("pids.max",), str(processes))
        if cpus:
            _limit(name, "cpu", ("cpu.cfs_quota_us",), str(cpus * 100_000))
            _limit(name, "cpu", ("cpu.max",), f"{cpus * 100_000} 100000")
    except OSError as error:
        raise InfrastructureError(
            f"The control group '{name}' cannot be made: {error.strerror} "
            f"('{error.filename}'); osci needs a machine whose {ROOT} is writable."
        ) from error


def entrance(name: str, command: list[str]) -> list[str]:
    """Return the command that enters the control group `name` and becomes `command`."""
    files = [str(hierarchy / name / "cgroup.procs") for hierarchy in _hierarchies()]
    return [sys.executable, "-I", "-S", str(_ENTER), *files, "--", *command]


def processes(name: str) -> list[int]:
    """Return the ids of all processes in the control group `name` and below it."""
    found: set[int] = set()
    for hierarchy in _hierarchies():
        # os.walk passes over what goes while it looks, as units come and go in a host.
        for directory, _, _ in os.walk(hierarchy / name):
            with contextlib.suppress(OSError):
                found.update(map(int, Path(directory, "cgroup.procs").read_text().split()))
    return sorted(found)


def freeze(name: str):
    """Stop every process in the control group `name`, until `thaw`; safe to repeat.

    Raises InfrastructureError when this machine cannot, or it takes too long.
    """
    try:
        _write_state(name, is_frozen=True)
        until = time.monotonic() + _FREEZE_SECONDS
        while not _is_frozen(name):
            if time.monotonic() > until:
                raise InfrastructureError(f"The control group '{name}' cannot be frozen.")
            time.sleep(0.002)
    except OSError as error:
        raise InfrastructureError(
            f"The control group '{name}' cannot be frozen: {error.strerror}."
        ) from error


def thaw(name: str):
    """Let every process in the control group `name` go on; safe to repeat."""
    with contextlib.suppress(OSError):
        _write_state(name, is_frozen=False)


def _write_state(name: str, is_frozen: bool):
    for root, file, stop, go, _, _ in _FREEZERS:
        if (root / name / file).exists():
            (root / name / file).write_text(stop if is_frozen else go)
            return
    if is_frozen:
        raise InfrastructureError("This machine has no freezer of control groups.")


def _is_frozen(name: str) -> bool:
    return any(
        frozen in (root / name / file).read_text().splitlines()
        for root, _, _, _, file, frozen in _FREEZERS
        if (root / name / file).exists()
    )


def is_out_of_memory(name: str) -> bool:
    """Tell whether the kernel ended a process of the control group for want of memory."""
    for file in (ROOT / "memory" / name / "memory.oom_control", ROOT / name / "memory.events"):
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in file.read_text().splitlines())
            return counts.get("oom_kill", "0") != "0"
    return False


def remove(name: str):
    """End every process in the control group `name`, then remove it everywhere.

    Processes are ended until the group is gone: one that was just started may
    enter it a moment later, and where it is gone, that process ends by itself.
    Raises InfrastructureError when processes or the group stay.
    """
    until = time.monotonic() + _KILL_SECONDS
    while True:
        # In version 1 what is frozen is not ended.
        thaw(name)
        _kill(name)
        if all([_remove_tree(hierarchy / name) for hierarchy in _hierarchies()]):
            return
        if time.monotonic() > until:
            raise InfrastructureError(
                f"The control group '{name}' cannot be removed; its processes: {processes(name)}."
            )
        time.sleep(0.01)


def _remove_tree(top: Path) -> bool:
    for directory, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return not top.exists()


def _hierarchies() -> list[Path]:
    if (ROOT / "cgroup.procs").exists():
        return [ROOT]
    return [ROOT / name for name in _HIERARCHIES if (ROOT / name / "cgroup.procs").exists()]


def _limit(name: str, controller: str, files: tuple[str, ...], value: str):
    for top in (ROOT / name, ROOT / controller / name):
        for file in files:
            if (top / file).exists():
                (top / file).write_text(value)


def _kill(name: str):
    for pid in processes(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
