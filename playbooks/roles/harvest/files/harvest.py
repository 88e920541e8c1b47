# SPDX-License-Identifier: Apache-2.0
"""Gather a host's journals by unit and the versions of what is installed, into one tar.

harvest.py TAR
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

# The end of a journal is kept: what went wrong last is what is looked for first.
UNIT_BYTES = 4 << 20
SYSTEM_BYTES = 8 << 20
PACKAGES = ("mariadb-server", "memcached", "rabbitmq-server")
PYTHON_PACKAGES = (
    *("glance", "keystone", "neutron", "nova", "openstack-placement", "openstacksdk"),
    *("oslo.messaging", "SQLAlchemy"),
)
VIRTUALENV = Path("/opt/openstack")


def main(path):
    """Write the tar."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _write_journals(directory)
        versions = json.dumps({**_debian_versions(), **_python_versions()}, indent=2)
        (directory / "versions.json").write_text(versions + "\n")
        with tarfile.open(path, "w") as archive:
            archive.add(directory, arcname=".")


def _write_journals(directory):
    (directory / "journal").mkdir()
    _write(directory / "journal.log", ["journalctl"], SYSTEM_BYTES)
    for unit in _units():
        _write(directory / "journal" / f"{unit}.log", ["journalctl", "--unit", unit], UNIT_BYTES)


def _units():
    """Return the services that somebody put here, by their unit files below /etc."""
    found = Path("/etc/systemd/system").glob("multi-user.target.wants/*.service")
    return sorted(path.stem for path in found)


def _write(path, command, limit):
    done = subprocess.run(
        [*command, "--no-pager", "--output", "short-iso-precise"], capture_output=True, check=False
    )
    left_out = len(done.stdout) - limit
    head = f"[{left_out} bytes before this were left out]\n".encode() if left_out > 0 else b""
    path.write_bytes(head + done.stdout[-limit:])


def _debian_versions():
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)


def _python_versions():
    if not VIRTUALENV.is_dir():
        return {}
    program = (
        "import importlib.metadata as m, json, sys;"
        "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    )
    command = [VIRTUALENV / "bin/python", "-c", program, *PYTHON_PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


if __name__ == "__main__":
    main(sys.argv[1])
