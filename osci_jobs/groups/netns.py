# SPDX-License-Identifier: Apache-2.0
"""The provider `netns`: hosts on this machine, each with a network namespace of its own.

Every group has a switch, a bridge in a namespace that nothing else is in, so
all groups use the same addresses and several run side by side.
"""

import ipaddress
import json
import re
import secrets
from pathlib import Path

from osci_jobs import process
from osci_jobs.deployment.model import Deployment, Host
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import cgroup, machine
from osci_jobs.groups.ledger import Ledger
from osci_jobs.groups.model import TESTER, Group

BOOT_SECONDS = 30
_NETWORK = ipaddress.ip_network("10.77.0.0/16")
# Link-local, which no host of a deployment may have.
_SWITCH = "169.254.0.1"
_FIRST = 10
# A line of the kernel: [SECONDS.MICROSECONDS] TEXT
_STAMP = re.compile(r"\[ *(\d+\.\d+)\]")
_KERNEL_LINES = 10_000


def addresses(hosts: tuple[Host, ...]) -> dict[str, str]:
    """Return an address for the tester and for every host, those of the deployment kept."""
    given = {host.address for host in hosts if host.address}
    free = (
        str(address)
        for address in (_NETWORK[number] for number in range(_FIRST, _NETWORK.num_addresses - 1))
        if str(address) not in given
    )
    tester = next(free)
    return {TESTER: tester, **{host.name: host.address or next(free) for host in hosts}}


def create(ledger: Ledger, group: Group, deployment: Deployment, lowers: list[Path]):
    """Make the switch and the hosts of a group, boot them, and wait until ssh answers."""
    _make_keys(group)
    _make_switch(ledger, group.name)
    sizes = {host.name: _size(host) for host in deployment.hosts}
    for host, address in group.hosts.items():
        _make_host(ledger, group, host, address, lowers, sizes.get(host, machine.Size()))
    names = {f"{group.name}-{host}": host for host in group.hosts}
    machine.wait_until_up(names, BOOT_SECONDS, lambda host: _last_line(group, host))


def isolate(ledger: Ledger, name: str) -> None:
    """Make the network namespace `name`, in which there is the loopback and nothing else."""
    ledger.record("make", "network", name)
    _ip(f"netns add {name}")
    _ip("link set lo up", namespace=name)


def kernel_log(since_seconds: float) -> str:
    """Return what this machine's kernel, which is that of all hosts, has said since then.

    `since_seconds` is of the monotonic clock, as the kernel's own times are.
    """
    done = process.call(["dmesg"])
    if done.returncode:
        return done.stderr
    lines = done.stdout.splitlines(keepends=True)
    stamped = ((_STAMP.match(line), line) for line in lines[-_KERNEL_LINES:])
    return "".join(line for stamp, line in stamped if stamp and float(stamp[1]) >= since_seconds)


def _size(host: Host) -> machine.Size:
    size = machine.Size()
    return machine.Size(
        memory_bytes=host.memory_bytes or size.memory_bytes,
        disk_bytes=host.disk_bytes or size.disk_bytes,
        cpus=host.cpus,
    )


def _make_keys(group: Group):
    """Make one key for the user and one for all hosts, and how ssh is to use them."""
    for name in ("user_key", "host_key"):
        machine.make_key(group.directory / name)
    public = (group.directory / "host_key.pub").read_text(encoding="utf-8")
    known = group.directory / "known_hosts"
    known.write_text(f"{group.name} {public}", encoding="utf-8")
    blocks = [
        f"Host {host}\n  HostName {address}\n" for host, address in sorted(group.hosts.items())
    ]
    settings = {
        "User": "root",
        "IdentityFile": group.directory / "user_key",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": known,
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": group.name,
        "StrictHostKeyChecking": "yes",
        "LogLevel": "ERROR",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "6",
        "ProxyCommand": f"nsenter --net=/run/netns/{group.name} nc -F %h %p",
        "ProxyUseFdpass": "yes",
    }
    common = "".join(f"  {name} {value}\n" for name, value in settings.items())
    group.ssh_config.write_text("".join(blocks) + "Host *\n" + common, encoding="utf-8")


def _make_switch(ledger: Ledger, name: str):
    ledger.record("make", "network", name)
    _ip(f"netns add {name}")
    _ip(
        "link add bridge type bridge",
        f"address add {_SWITCH}/32 dev bridge",
        "link set lo up",
        "link set bridge up",
        "route add default dev bridge",
        namespace=name,
    )


def _make_host(
    ledger: Ledger, group: Group, host: str, address: str, lowers: list[Path], size: machine.Size
):
    name = f"{group.name}-{host}"
    directory = group.directory / host
    root = machine.mount_root(ledger, directory, lowers, size.disk_bytes)
    _write_identity(group, host, root)
    ledger.record("make", "network", name)
    _connect(group.name, name, address)
    ledger.record("make", "hosts", name)
    cgroup.create(name, memory_bytes=size.memory_bytes, processes=size.processes, cpus=size.cpus)
    machine.boot(name, host, root, name, directory / "console.log")


def _connect(switch: str, name: str, address: str):
    # All addresses are on the link, so that a deployment may use any it likes.
    port = machine.short_name(name)
    _ip(
        f"netns add {name}",
        f"link add {port} netns {switch} type veth peer name eth0 netns {name}",
    )
    _ip(f"link set {port} master bridge up", namespace=switch)
    _ip(
        f"address add {address}/32 dev eth0",
        "link set lo up",
        "link set eth0 up",
        "route add default dev eth0",
        namespace=name,
    )


def _write_identity(group: Group, host: str, root: Path):
    """Write what makes one host out of an image that all share."""
    entries = [f"{address} {name}" for name, address in group.hosts.items()]
    files = {
        "etc/hostname": host,
        "etc/hosts": "\n".join(["127.0.0.1 localhost", *entries]),
        "etc/machine-id": secrets.token_hex(16),
        "root/.ssh/authorized_keys": (group.directory / "user_key.pub").read_text().strip(),
        "etc/ssh/ssh_host_ed25519_key": (group.directory / "host_key").read_text().strip(),
    }
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    for path, content in files.items():
        (root / path).write_text(content + "\n", encoding="utf-8")
    (root / "etc/ssh/ssh_host_ed25519_key").chmod(0o600)


def _last_line(group: Group, host: str) -> str:
    console = group.directory / host / "console.log"
    lines = console.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _ip(*lines: str, namespace: str = ""):
    command = ["ip", *(["-netns", namespace] if namespace else []), "-batch", "-"]
    done = process.call(command, "\n".join(lines))
    if done.returncode:
        raise InfrastructureError(
            f"The network of the group cannot be made: {json.dumps(done.stderr.strip())}"
        )
