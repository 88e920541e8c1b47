# SPDX-License-Identifier: Apache-2.0
"""This machine's apt, pip and CA settings, as files that a host borrows while it is built.

They may hold a mirror's address or a proxy's password, so they are bound into
the host for the time of the building and are no part of what is kept.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

DEFAULT_MIRROR = "deb http://deb.debian.org/debian bookworm main"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_APT_SETTINGS = tuple(
    f"Acquire::{name}" for name in ("http", "ftp", "Check-", "Retries", "ForceIPv", "Proxy")
)
_PIP_SETTINGS = (
    *("index-url", "extra-index-url", "trusted-host", "proxy"),
    *("timeout", "default-timeout", "retries"),
)
_PIP_SECTIONS = ("global", "install", ":env:")  # a later one wins, as with pip install
_PIP_LINE = re.compile(r"(?P<section>[^=]*)\.(?P<name>[a-z-]+)=(?P<value>.*)")


def sources() -> list[str]:
    """Return the lines of sources.list for Debian 12 by this machine's own mirrors."""
    targets = _output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
        + ["Created-By: Packages", "Origin: Debian"]
    )
    lines = {f"deb {line}" for line in targets if line.split()[1:2] and "bookworm" in line}
    return sorted(lines) or [DEFAULT_MIRROR]


def apt_settings() -> str:
    """Return the machine's settings of how apt fetches, as an apt.conf file."""
    dump = _output(["apt-config", "dump", "Acquire"])
    return "\n".join([*(line for line in dump if line.startswith(_APT_SETTINGS)), ""])


def pip_settings() -> str:
    """Return the machine's pip settings, from files and environment, as a pip.conf file."""
    matches = map(_PIP_LINE.fullmatch, _output([sys.executable, "-m", "pip", "config", "list"]))
    settings = [match for match in matches if match and match["name"] in _PIP_SETTINGS]
    found = {
        match["name"].replace("default-timeout", "timeout"): ast.literal_eval(match["value"])
        for section in _PIP_SECTIONS
        for match in settings
        if match["section"] == section
    }
    lines = [f"{name} = {value}".replace("\n", "\n    ") for name, value in found.items()]
    return "\n".join(["[global]", f"cert = {_CERTIFICATES}", *sorted(lines), ""])


def borrow(directory: Path) -> dict[str, str]:
    """Write the settings below `directory`; return which file belongs where in the host."""
    directory.mkdir(mode=0o700)
    contents = {
        "/etc/apt/sources.list": "\n".join([*sources(), ""]),
        "/etc/apt/apt.conf.d/99machine": apt_settings(),
        "/etc/pip.conf": pip_settings(),
        "/etc/resolv.conf": _read("/etc/resolv.conf"),
        "/etc/hosts": _read("/etc/hosts"),
        _CERTIFICATES: _read(_certificates()),
    }
    places = {}
    for place, content in contents.items():
        file = directory / place.strip("/").replace("/", "-")
        file.write_text(content, encoding="utf-8")
        places[str(file)] = place
    return places


def _certificates() -> str:
    named = [os.environ.get(variable, "") for variable in _CERTIFICATE_VARIABLES]
    return next((path for path in named if path and Path(path).is_file()), _CERTIFICATES)


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _output(command: list[str]) -> list[str]:
    """Return the lines a query prints; none when the program is not here or fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return []
    return done.stdout.splitlines()
