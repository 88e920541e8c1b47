# SPDX-License-Identifier: Apache-2.0
"""Gather what a host knows of itself into one tar.

    harvest.py TAR

Every file is a piece of its own: one that cannot be had says why, and all of
them together take no longer than SECONDS, whatever hangs on the host.
"""

import importlib.metadata
import json
import os
import re
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import configuration
import counters
import units
from limited import Commands

SECONDS = 14
WORKERS = 4
USAGE = Path("/var/lib/osci/usage")
VIRTUALENV = Path("/opt/openstack")
JOURNAL = ("journalctl", "--quiet", "--no-pager", "--output=short-iso-precise")
DEBIAN = ("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n")
MARIADB = ("mariadb", "--connect-timeout=8")
RABBITMQ = ("rabbitmqctl", "--quiet", "--timeout", "8")
JOURNAL_BYTES = 8 << 20
UNIT_BYTES = 4 << 20
USAGE_BYTES = 16 << 20
TEXT_BYTES = 1 << 20
# What the commands say becomes the file.
TEXTS = {
    "packages/debian.txt": (DEBIAN,),
    "state/disk.txt": (("df", "--local"), ("df", "--local", "--inodes"), ("du", "-xkd2", "/var")),
    "state/kernel.log": (("dmesg", "--time-format=iso"),),
    "state/memory.txt": (
        ("cat", "/proc/meminfo"),
        ("ps", "-eo", "rss,vsz,pid,unit:32,comm", "--sort=-rss"),
    ),
    "state/processes.txt": (
        ("ps", "-eo", "pid,ppid,user:16,unit:32,stat,nlwp,rss,etimes,time,args"),
    ),
    "state/sockets.txt": (("ss", "-tuanp"),),
}
# The same, on the hosts that have the unit.
TEXTS_BY_UNIT = {
    "mariadb": {
        "database/processes.txt": ((*MARIADB, "--table", "--execute", "show processlist"),),
    },
    "rabbitmq-server": {
        # What it says does not go to the journal.
        "broker/server.log": (("sh", "-c", "cat /var/log/rabbitmq/rabbit@*.log"),),
        "broker/queues.txt": (
            (*RABBITMQ, "list_queues", "name", "messages", "messages_unacknowledged", "consumers"),
        ),
        "broker/connections.txt": (
            (*RABBITMQ, "list_connections", "user", "peer_host", "peer_port", "state", "channels"),
        ),
    },
}
SCHEMAS = """
select table_schema, table_name from information_schema.tables
where table_name like 'alembic\\_version%' order by 1, 2
"""
# Those of a component that a report names.
DEBIAN_VERSIONS = ("mariadb-server", "memcached", "rabbitmq-server")
PYTHON_VERSIONS = (
    *("glance", "keystone", "neutron", "nova", "openstack-placement", "openstacksdk"),
    *("oslo.messaging", "SQLAlchemy"),
)


def main(path):
    """Write the tar; it is made where there is room when the disk is full."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as temporary:
        _gather(Path(temporary), _pieces(Commands(SECONDS), units.enabled()))
        with tarfile.open(path, "w") as archive:
            archive.add(temporary, arcname=".")


def _pieces(commands, names):
    """Return what makes each file: a function that takes the file's path.

    Those that ask a server come last, for they are the ones that hang.
    """
    asked = {}
    for name in TEXTS_BY_UNIT.keys() & set(names):
        asked |= TEXTS_BY_UNIT[name]
    schemas = {"database/versions.txt": partial(_schemas, commands)} if "mariadb" in names else {}
    return {
        "units.json": partial(units.write, commands=commands),
        "journal.log": partial(commands.write, commands=[JOURNAL], limit=JOURNAL_BYTES),
        **{f"journal/{name}.log": partial(_journal, commands, name) for name in names},
        "host.json": _state,
        "versions.json": partial(_versions, commands),
        "packages/python.txt": _python_packages,
        "config": configuration.write,
        **{f"usage/{name}.csv": partial(_usage, name) for name in ("services", "host")},
        **{file: partial(_text, commands, said) for file, said in TEXTS.items()},
        "counters.json": partial(counters.write, commands=commands, names=names),
        **schemas,
        **{file: partial(_text, commands, said) for file, said in asked.items()},
    }


def _gather(directory, pieces):
    with ThreadPoolExecutor(WORKERS) as pool:
        for file, make in pieces.items():
            pool.submit(_make, make, directory / file)


def _make(make, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        make(path)
    except Exception as error:
        # Whatever is wrong with one piece, the others are wanted.
        path.write_text(f"[this could not be gathered: {error!r}]\n", "utf-8")


def _text(commands, said, path):
    commands.write(path, said, TEXT_BYTES)


def _journal(commands, name, path):
    commands.write(path, [(*JOURNAL, f"--unit={name}")], UNIT_BYTES)


def _state(path):
    disk = os.statvfs("/")
    state = {
        "format": 1,
        "at": round(time.time(), 3),
        "disk_bytes": disk.f_blocks * disk.f_frsize,
        "disk_free_bytes": disk.f_bavail * disk.f_frsize,
        "kernel": os.uname().release,
        "load": os.getloadavg(),
    }
    path.write_text(json.dumps(state, indent=2) + "\n", "utf-8")


def _versions(commands, path):
    rows = commands.output((*DEBIAN, *DEBIAN_VERSIONS)).splitlines()
    versions = dict(row.split(" ") for row in rows if row.count(" ") == 1)
    installed = {_canonical(name): version for name, version in _python_distributions()}
    for name in PYTHON_VERSIONS:
        if _canonical(name) in installed:
            versions[name] = installed[_canonical(name)]
    path.write_text(json.dumps(versions, indent=2) + "\n", "utf-8")


def _python_packages(path):
    found = sorted(_python_distributions(), key=lambda package: package[0].lower())
    path.write_text("".join(f"{name} {version}\n" for name, version in found), "utf-8")


def _python_distributions():
    places = [str(place) for place in VIRTUALENV.glob("lib/python3*/site-packages")]
    return [
        (found.metadata["Name"], found.version)
        for found in importlib.metadata.distributions(path=places)
    ]


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _schemas(commands, path):
    """Write the version of each database's schema, as alembic keeps it."""

    def ask(statement):
        command = (*MARIADB, "--batch", "--skip-column-names", "--execute", statement)
        return commands.output(command).splitlines()

    tables = [row.split("\t") for row in ask(SCHEMAS)]
    selects = [
        f"select '{schema}', '{table}', version_num from `{schema}`.`{table}`"
        for schema, table in tables
    ]
    rows = ask(" union all ".join(selects)) if selects else []
    path.write_text("".join(f"{row}\n" for row in rows), "utf-8")


def _usage(name, path):
    with open(USAGE / f"{name}.csv", "rb") as file:
        path.write_bytes(file.read(USAGE_BYTES))


if __name__ == "__main__":
    main(sys.argv[1])
