# SPDX-License-Identifier: Apache-2.0
"""This machine as the agent of a group's Hudson, in a control group of the group's."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from osci_jobs import process, signals
from osci_jobs.deployment.model import Deployment
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import cgroup, gateway
from osci_jobs.groups.ledger import Ledger
from osci_jobs.groups.model import Group

# How the Hudson, on its host, starts the agent.
COMMAND = f"nc 127.0.0.1 {gateway.AGENT_PORT}"

_GATEWAY = Path(gateway.__file__)
_JAVA = ("java", "@java.options", "-jar", "WEB-INF/slave.jar")
# Of the builds only; hosts have control groups and limits of their own.
_MEMORY_BYTES = 8 << 30
_PROCESSES = 8192
_CONNECT_SECONDS = 30


def directory(group: Group) -> Path:
    """Return where the files are that the agent runs."""
    return group.scratch / "agent"


def workspace(ledger: Ledger) -> Path:
    """Make the directory of the agent's builds and return it; it goes with the group."""
    place = ledger.path.parent.parent / "agents" / ledger.path.stem
    ledger.record("make", "tree", str(place))
    place.mkdir(mode=0o700, parents=True)
    return place


def start(ledger: Ledger, group: Group, deployment: Deployment, environment: dict[str, str]) -> int:
    """Start the gateway to the deployment's Hudson; return the port of its page here.

    What builds run gets `environment`. The files of the agent are there already.
    """
    assert deployment.hudson, "the deployment has a Hudson"
    name = f"{group.name}.agent"
    port = _free_port()
    files = directory(group)
    command = [
        *(sys.executable, "-I", "-S", str(_GATEWAY), str(group.ssh_config)),
        *(deployment.hudson.host, str(port), str(files / "socket"), *_JAVA),
    ]
    ledger.record("make", "hosts", name)
    cgroup.create(name, memory_bytes=_MEMORY_BYTES, processes=_PROCESSES, cpus=None)
    with (group.directory / "agent.log").open("wb") as log, signals.blocked():
        subprocess.Popen(
            cgroup.entrance(name, command),
            cwd=files,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _wait(port, group.directory / "agent.log")
    return port


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment of builds: this command's, with this osci first, and `variables`.

    A build's cookie is left out, for its Hudson would end the agent with it.
    """
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    return {**process.outside_of_builds(os.environ), "PATH": path, **variables}


def _wait(port: int, log: Path) -> None:
    until = time.monotonic() + _CONNECT_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    line = said.rpartition("\n")[2]
    raise InfrastructureError(
        f"The Hudson's page is not at 127.0.0.1:{port} after {_CONNECT_SECONDS} s: {line}",
        line=line,
    )


def _free_port() -> int:
    """Return the usual port of a Hudson if it is free on the loopback here, else another."""
    for port in (gateway.PAGE_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise AssertionError("a port of 0 is always free")
