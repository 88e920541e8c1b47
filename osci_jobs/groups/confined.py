# SPDX-License-Identifier: Apache-2.0
"""Throw-away hosts for a stranger's code, which reach nothing but the package registries.

Such a host has no boot, no capabilities, limits that are set from outside, and a network
of its own with nothing in it but a proxy to the registries.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import process, signals
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.groups import cgroup, machine, model, netns, proxy, registries, resource
from osci_jobs.groups.ledger import Ledger
from osci_jobs.groups.registries import Reach

INPUT = "/run/input"
OUTPUT = "/run/output"
# Debian's account of nobody.
NOBODY = 65534

_PROXY = Path(proxy.__file__)
_PROXY_PORT = 3128
_PROXY_URL = f"http://127.0.0.1:{_PROXY_PORT}"
_PROXY_SECONDS = 10
_PROXY_BYTES = 512 << 20
_PROXY_PROCESSES = 128

_SIZE = machine.Size(memory_bytes=6 << 30, disk_bytes=4 << 30, processes=256)
_OUTPUT_BYTES = 16 << 20
_REFUSED = 3
_PIP = {
    "compile": "false",
    "disable-pip-version-check": "true",
    "no-cache-dir": "true",
    "no-color": "true",
    "no-input": "true",
    "progress-bar": "off",
    "proxy": _PROXY_URL,
    "root-user-action": "ignore",
}
# systemd-nspawn says so at its end on a machine whose /run is on a disk.
_NOISE = "Attempted to remove disk file system under"


@dataclass(frozen=True)
class Host:
    """A throw-away host; `name` is that of its control group and its network."""

    name: str
    directory: Path
    root: Path
    places: Mapping[str, str]

    @property
    def input(self) -> Path:
        """A directory here that the host sees as INPUT and cannot write to."""
        return self.directory / "input"

    @property
    def output(self) -> Path:
        """A directory here that is OUTPUT in the host; what it writes there is a stranger's."""
        return self.directory / "output"

    @property
    def upper(self) -> Path:
        """What the host has changed of its layers; a stranger's too."""
        return self.directory / "upper"


@dataclass(frozen=True)
class Task:
    """What is to run in a host, and as whom; `name` is what messages call it."""

    name: str
    command: list[str]
    user: str
    variables: Mapping[str, str]


@contextlib.contextmanager
def host(ledger: Ledger, name: str, lowers: Sequence[Path], reach: Reach) -> Iterator[Host]:
    """Make a throw-away host on the layers in `lowers`, topmost first, its changes in memory.

    It reaches the registries of `reach`. After a trouble in the body it stays, for
    the ledger to remove: nothing is to hide that trouble.
    """
    label = f"{ledger.path.stem}.{name}"
    directory = model.scratch(ledger.path.stem) / name
    root = machine.mount_root(ledger, directory, list(lowers), _SIZE.disk_bytes)
    places = registries.borrow_for_pip(directory / "borrowed", {**reach.pip, **_PIP})
    made = Host(label, directory, root, places)
    made.input.mkdir()
    made.output.mkdir()
    os.chown(made.output, NOBODY, NOBODY)
    netns.isolate(ledger, label)
    _start_proxy(ledger, made, reach.routes)
    yield made
    resource.remove("hosts", f"{label}.proxy")
    resource.remove("mount", str(root))
    resource.remove("mount", str(directory))
    resource.remove("network", label)
    directory.rmdir()


def run(
    ledger: Ledger, host: Host, task: Task, silence_seconds: float, on_line: Callable[[str], None]
) -> int:
    """Run a task in the host, hand each line that it prints on, return its exit code.

    When this returns, nothing that the task started is alive. Raises SourceError when it
    used more memory than it may have or prints too much, and LimitError when it says
    nothing for `silence_seconds`.
    """
    ledger.record("make", "hosts", host.name)
    cgroup.create(
        host.name, memory_bytes=_SIZE.memory_bytes, processes=_SIZE.processes, cpus=_SIZE.cpus
    )
    code = process.run(
        cgroup.entrance(host.name, _nspawn(host, task)),
        name=task.name,
        silence_seconds=silence_seconds,
        environment=machine.ENVIRONMENT,
        on_line=_bounded(task, on_line),
    )
    is_out_of_memory = cgroup.is_out_of_memory(host.name)
    resource.remove("hosts", host.name)
    if code and is_out_of_memory:
        raise SourceError(
            f"'{task.name}' used more than the {_SIZE.memory_bytes >> 20} MiB that it may have."
        )
    return code


def unreachable(host: Host) -> str:
    """Return what the proxy says of a registry that it could not reach, "" for nothing."""
    states = {}
    for state, address, reason in _notes(host):
        if state in ("reached", "unreachable"):
            states[address] = f"{address}: {reason}" if state == "unreachable" else ""
    return next(filter(None, states.values()), "")


def refused(host: Host) -> list[str]:
    """Return the first addresses, each once, that the proxy did not let the host reach."""
    found = [address for state, address, _ in _notes(host) if state == "refused"]
    return list(dict.fromkeys(found))[:_REFUSED]


def _notes(host: Host) -> list[list[str]]:
    """Return what the proxy wrote down: state, address, and reason."""
    lines = _proxy_log(host).read_text(encoding="utf-8", errors="replace").splitlines()
    return [[*line.split(" ", 2), "", ""][:3] for line in lines]


def _nspawn(host: Host, task: Task) -> list[str]:
    binds = [f"--bind-ro={file}:{place}" for file, place in host.places.items()]
    everywhere = {"http_proxy": _PROXY_URL, "https_proxy": _PROXY_URL, "LANG": "C.UTF-8"}
    variables = {**everywhere, **task.variables}
    settings = [f"--setenv={name}={value}" for name, value in variables.items()]
    return [
        *("systemd-nspawn", "--quiet", f"--directory={host.root}", "--as-pid2", "--console=pipe"),
        *(f"--machine={machine.short_name(host.name)}", "--register=no", "--keep-unit"),
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        f"--network-namespace-path=/run/netns/{host.name}",
        *(f"--user={task.user}", "--drop-capability=all", "--no-new-privileges=yes"),
        *(f"--bind-ro={host.input}:{INPUT}", f"--bind={host.output}:{OUTPUT}", *binds, *settings),
        *task.command,
    ]


def _start_proxy(ledger: Ledger, host: Host, routes: Mapping[str, str]) -> None:
    name = f"{host.name}.proxy"
    namespace = f"/run/netns/{host.name}"
    command = [sys.executable, "-I", "-S", str(_PROXY), namespace, str(_PROXY_PORT)]
    ledger.record("make", "hosts", name)
    cgroup.create(name, memory_bytes=_PROXY_BYTES, processes=_PROXY_PROCESSES, cpus=None)
    with _proxy_log(host).open("wb") as log, signals.blocked():
        started = subprocess.Popen(
            cgroup.entrance(name, command),
            env=machine.ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert started.stdin and started.stdout
    # Not as arguments, which everybody on this machine sees: a proxy's URL has a password.
    with started.stdout:
        with contextlib.suppress(BrokenPipeError), started.stdin:
            started.stdin.write(json.dumps(dict(routes)).encode())
        is_there = select.select([started.stdout], [], [], _PROXY_SECONDS)[0]
        if not is_there or not started.stdout.readline():
            said = _proxy_log(host).read_text(encoding="utf-8", errors="replace").strip()
            line = said.rpartition("\n")[2]
            raise InfrastructureError(
                f"The proxy to the registries did not start: {line}", line=line
            )


def _proxy_log(host: Host) -> Path:
    return host.directory / "proxy.log"


def _bounded(task: Task, on_line: Callable[[str], None]) -> Callable[[str], None]:
    """Return what hands lines on until they are too many."""
    left = _OUTPUT_BYTES

    def hand_on(line: str) -> None:
        nonlocal left
        left -= len(line) + 1
        if left < 0:
            raise SourceError(f"'{task.name}' printed more than {_OUTPUT_BYTES >> 20} MiB.")
        if not line.startswith(_NOISE):
            on_line(line)

    return hand_on
