# SPDX-License-Identifier: Apache-2.0
"""What systemd knows of our services: how each stands, what it waits for, where it listens."""

import json
import re
import time
from pathlib import Path

ENABLED = Path("/etc/systemd/system/multi-user.target.wants")
# Debian's own, and the sampler.
NOT_OURS = ("e2scrub_reap", "osci-meter", "osci-sampler", "ssh")
# Monotonic times are in microseconds and alike in every version of systemd.
TIMES = {
    "waited_at": "InactiveExitTimestampMonotonic",
    "started_at": "ExecMainStartTimestampMonotonic",
    "ended_at": "ExecMainExitTimestampMonotonic",
}
PROPERTIES = ("Id", "ActiveState", "Result", "ExecMainStatus", "NRestarts", "FragmentPath")
# What templates/service.j2 writes: the wait before the program, and the one in it.
NEEDS = re.compile(r"^(?:ExecStartPre=\S*/osci/wait|X-Needs=) *(.*)$", re.MULTILINE)
LISTENING = re.compile(r"\S+ +\d+ +\d+ +\S*:(?P<port>\d+) ")


def enabled():
    """Return the names of the services that osci put on this host."""
    names = sorted(path.stem for path in ENABLED.glob("*.service"))
    return [name for name in names if name not in NOT_OURS]


def write(path, commands):
    """Write units.json."""
    names = enabled()
    shown = _show(names, commands) if names else []
    ports = _ports(commands)
    units = [_unit(fields, ports) for fields in shown]
    path.write_text(json.dumps({"format": 1, "units": units}, indent=2) + "\n")


def _show(names, commands):
    wanted = ",".join([*PROPERTIES, *TIMES.values()])
    units = [f"{name}.service" for name in names]
    text = commands.output(["systemctl", "show", f"--property={wanted}", *units])
    blocks = [block.splitlines() for block in text.split("\n\n") if block.strip()]
    return [dict(line.split("=", 1) for line in block) for block in blocks]


def _unit(fields, ports):
    name = fields["Id"].removesuffix(".service")
    return {
        "name": name,
        "active": fields["ActiveState"],
        "result": fields["Result"],
        "exit_status": int(fields["ExecMainStatus"]),
        "restarts": int(fields["NRestarts"]),
        **{key: _epoch(fields[shown]) for key, shown in TIMES.items()},
        "needs": _needs(Path(fields["FragmentPath"])),
        "listens": sorted(ports.get(name, ())),
    }


def _epoch(microseconds):
    """Return the seconds since 1970 at a time since the boot; None for what never was."""
    seconds = int(microseconds) / 1e6
    return round(time.time() - time.monotonic() + seconds, 3) if seconds else None


def _needs(file):
    found = NEEDS.findall(file.read_text())
    return list(dict.fromkeys(word for line in found for word in line.split()))


def _ports(commands):
    """Return the TCP ports that the processes of each unit listen on."""
    rows = commands.output(["ps", "-eo", "pid=,unit="]).splitlines()
    units = dict(row.split(None, 1) for row in rows)
    ports = {}
    for line in commands.output(["ss", "-H", "-ltnp"]).splitlines():
        port = int(LISTENING.match(line)["port"])
        for pid in re.findall(r"pid=(\d+)", line):
            unit = units.get(pid, "").strip().removesuffix(".service")
            ports.setdefault(unit, set()).add(port)
    return ports
