# SPDX-License-Identifier: Apache-2.0
"""Checks of this machine: rights, tools, room, and what died runs left."""

import os
import shutil
from pathlib import Path

from osci_jobs import groups
from osci_jobs.doctor.answer import NOTE, OK, TROUBLE, Answer, Places
from osci_jobs.groups import cgroup, tools
from osci_jobs.run import steps

# What a host with all of OpenStack takes, and the smallest deployment has one.
MINIMUM_MEMORY_BYTES = 2 << 30
# For ledgers, and for logs and results of a run.
MINIMUM_FREE_BYTES = 256 << 20
_MEMORY = Path("/proc/meminfo")


def rights(_places: Places) -> Answer:
    """Root alone makes hosts."""
    tools.require_root()
    return Answer(OK, "osci runs as root.")


def namespaces(_places: Places) -> Answer:
    """Each host has namespaces of its own."""
    tools.require_namespaces()
    return Answer(OK, "Namespaces can be made.")


def control_groups(_places: Places) -> Answer:
    """Each host has a control group of its own."""
    cgroup.require_writable()
    return Answer(OK, "Control groups can be made.")


def packages(_places: Places) -> Answer:
    """A run installs what is missing, if apt knows it."""
    return packages_for("")


def packages_for(software: str) -> Answer:
    """Return whether the packages are here that hosts with the software need."""
    missing = tools.missing(software)
    if not missing:
        return Answer(OK, "All Debian packages that hosts need are here.")
    unknown = tools.unknown(missing)
    if unknown:
        return Answer(
            TROUBLE,
            f"The Debian packages {', '.join(unknown)} are missing, and apt does not know them.",
            "Run apt-get update; where that is not enough, give apt a mirror of Debian 12.",
        )
    return Answer(
        NOTE,
        f"The Debian packages {', '.join(missing)} are missing.",
        f"The next run installs them; or do it now: {' '.join([*tools.INSTALL, *missing])}",
    )


def cache(places: Places) -> Answer:
    """Images and layers take gigabytes."""
    steps.require_space(places.cache)
    return _room(places.cache, 0, "--cache-dir")


def state(places: Places) -> Answer:
    """Ledgers are synced before anything is made."""
    return _room(places.state, MINIMUM_FREE_BYTES, "--state-dir")


def results(places: Places) -> Answer:
    """A run leaves its logs."""
    return _room(places.output, MINIMUM_FREE_BYTES, "--output")


def memory(_places: Places) -> Answer:
    """Hosts' disks and services live in memory."""
    available = available_bytes()
    if available < MINIMUM_MEMORY_BYTES:
        return Answer(
            TROUBLE,
            f"{_gib(available)} of memory are available, and a host with all of OpenStack takes "
            f"{_gib(MINIMUM_MEMORY_BYTES)}.",
            "End other programs, or use a machine with more memory.",
        )
    return Answer(OK, f"{_gib(available)} of memory are available.")


def leftovers(places: Places) -> Answer:
    """A group whose command has died is removed by the next one."""
    names = groups.abandoned(places.state)
    if names:
        return Answer(
            NOTE,
            f"The command of {', '.join(names)} has died and left its hosts.",
            "Remove them with: osci groups",
        )
    return Answer(OK, "No command that died has left a group.")


def available_bytes() -> int:
    """Return the memory that new programs may have, by the kernel's own estimate."""
    lines = _MEMORY.read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["MemAvailable"].split()[0]) << 10


def _room(path: Path, needed_bytes: int, option: str) -> Answer:
    whole = path.resolve()
    there = next(parent for parent in (whole, *whole.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Answer(
            TROUBLE, f"'{there}' cannot be written.", f"Name another directory with {option}."
        )
    free = shutil.disk_usage(there).free
    if free < needed_bytes:
        return Answer(
            TROUBLE,
            f"'{there}' has {_gib(free)} free, and {_gib(needed_bytes)} are needed.",
            f"Make room, or name another directory with {option}.",
        )
    return Answer(OK, f"'{there}' has {_gib(free)} free.")


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GiB"
