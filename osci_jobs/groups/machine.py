# SPDX-License-Identifier: Apache-2.0
"""One host: a root file system put together from layers, and Debian's systemd running in it."""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import process, signals
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import cgroup
from osci_jobs.groups.ledger import Ledger

SSH_PORT = 22
# Hudson ends every process that carries its environment, so a host carries none.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

_LISTENING = "0A"


@dataclass(frozen=True)
class Size:
    """What a host may use of this machine."""

    memory_bytes: int = 8 << 30
    disk_bytes: int = 8 << 30
    processes: int = 8192
    cpus: int | None = None


def mount_root(ledger: Ledger, directory: Path, lowers: list[Path], disk_bytes: int) -> Path:
    """Mount a host's root below `directory`, its changes in memory; return where it is."""
    ledger.record("make", "mount", str(directory))
    directory.mkdir()
    mount(["-t", "tmpfs", "-o", f"size={disk_bytes},mode=0755", "tmpfs", str(directory)])
    return mount_overlay(ledger, directory, lowers, ["volatile"])


def mount_overlay(ledger: Ledger, directory: Path, lowers: list[Path], options=()) -> Path:
    """Mount `directory/root`: the layers in `lowers`, topmost first, under `directory/upper`."""
    upper, work, root = (directory / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir()
    ledger.record("make", "mount", str(root))
    layers = ":".join(str(lower) for lower in lowers)
    stack = [f"lowerdir={layers}", f"upperdir={upper}", f"workdir={work}", *options]
    mount(["-t", "overlay", "-o", ",".join(stack), "overlay", str(root)])
    return root


def mount(arguments: list[str]):
    """Call mount(8); raise InfrastructureError with what it said when it fails."""
    done = process.call(["mount", *arguments])
    if done.returncode:
        raise InfrastructureError(f"'{arguments[-1]}' cannot be mounted: {done.stderr.strip()}")


def make_key(path: Path):
    """Make an ssh key without a passphrase at `path`, its public half beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    done = process.call(command)
    if done.returncode:
        raise InfrastructureError(f"'{path}' cannot be made: {done.stderr.strip()}")


def boot(name: str, hostname: str, root: Path, network: str, console: Path):
    """Start systemd on `root` in the network namespace and control group `name`."""
    command = [
        *("systemd-nspawn", "--quiet", f"--directory={root}", f"--machine={short_name(name)}"),
        *(f"--hostname={hostname}", f"--network-namespace-path=/run/netns/{network}"),
        *("--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off"),
        *("--link-journal=no", "--console=read-only", "--boot"),
    ]
    with console.open("wb") as log, signals.blocked():
        subprocess.Popen(
            cgroup.entrance(name, command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=ENVIRONMENT,
        )


def short_name(name: str) -> str:
    """Return a name that is one for each host and that systemd-nspawn and the kernel take."""
    return "osci-" + hashlib.sha256(name.encode()).hexdigest()[:10]


def wait_until_up(names: dict[str, str], seconds: float, tail: Callable[[str], str]):
    """Wait until sshd listens in each host; `names` maps control groups to host names.

    Raises InfrastructureError for a host that ended or is not up in time, with
    the last line of its console by `tail`.
    """
    until = time.monotonic() + seconds
    waiting = dict(names)
    while waiting:
        for name, host in list(waiting.items()):
            if _listens(name):
                del waiting[name]
            elif time.monotonic() > until:
                raise InfrastructureError(
                    f"The host '{host}' did not come up within {seconds:g} s.",
                    host=host,
                    line=tail(host),
                )
        time.sleep(0.02)


def _listens(name: str) -> bool:
    """Tell whether a process of the host listens on port 22, by the host's own socket table."""
    for pid in cgroup.processes(name):
        try:
            if os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                continue
            rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        except OSError:
            continue
        columns = [row.split() for row in rows]
        return any(
            int(column[1].rpartition(":")[2], 16) == SSH_PORT and column[3] == _LISTENING
            for column in columns
        )
    return False
