# SPDX-License-Identifier: Apache-2.0
"""This machine's apt, pip and CA settings: what a host borrows of them, who answers by them.

They may hold a mirror's address or a proxy's password, so they are bound into
the host for the time of the building and are no part of what is kept.
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from osci_jobs import process
from osci_jobs.errors import InfrastructureError

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

ANSWER_SECONDS = 10
_APT_CLIENT = "/usr/lib/apt/apt-helper"
_APT_LIMITS = (
    "Acquire::Retries=0",
    *(f"Acquire::{method}::Timeout={ANSWER_SECONDS}" for method in ("http", "https", "ftp")),
)
_APT_HEADERS = ("Debug::Acquire::http=true", "Debug::Acquire::https=true")
_TIME_HEADER = re.compile(r"(?P<name>date|age): *(?P<value>.*?)\s*", re.IGNORECASE)
_INDEXED = "keystone"
_ACCOUNT = re.compile(r"//[^/@\s]+@")
_COMPLAINTS = ("E: ", "Could not fetch URL", "ERROR: ")


def sources() -> list[str]:
    """Return the lines of sources.list for Debian 12 by this machine's own mirrors."""
    targets = _output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
        + ["Created-By: Packages", "Origin: Debian"]
    )
    lines = {f"deb {line}" for line in targets if line.split()[1:2] and "bookworm" in line}
    return sorted(lines) or [DEFAULT_MIRROR]


def release_files() -> list[str]:
    """Return the addresses of what apt asks those mirrors for first."""
    parts = [line.split() for line in sources()]
    return list(
        dict.fromkeys(f"{uri.rstrip('/')}/dists/{suite}/InRelease" for _, uri, suite, *_ in parts)
    )


def ask_mirror(address: str) -> list[str]:
    """Fetch a file by apt's own client; return what it said, the headers of the answer included.

    Raises InfrastructureError when there is no answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="release-") as directory:
        settings = [f"--option={one}" for one in (*_APT_LIMITS, *_APT_HEADERS)]
        command = [_APT_CLIENT, *settings, "download-file", address, f"{directory}/file"]
        return _ask(command, address)


def ask_index() -> None:
    """Ask pip's index for a package that hosts need, by pip itself.

    Raises InfrastructureError when there is no answer in time.
    """
    command = [sys.executable, "-m", "pip", "index", "versions", _INDEXED, "-vv"]
    _ask([*command, "--retries=0", f"--timeout={ANSWER_SECONDS}"], "pip's index")


def server_time(lines: list[str]) -> datetime | None:
    """Return the time that the last answer among the lines of `ask_mirror` tells.

    An answer out of a cache is as old as its header says.
    """
    headers = [match for match in map(_TIME_HEADER.fullmatch, lines) if match]
    found = {match["name"].lower(): match["value"] for match in headers}
    try:
        told = parsedate_to_datetime(found["date"])
        return told + timedelta(seconds=int(found.get("age", "0")))
    except (KeyError, ValueError, OverflowError, TypeError):
        return None


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


def _ask(command: list[str], whom: str) -> list[str]:
    """Return the lines that a client prints; raise InfrastructureError with its complaint."""
    lines: list[str] = []
    code = process.run(
        command,
        name=whom,
        silence_seconds=2 * ANSWER_SECONDS,
        # A directory of packages on this machine is not the index, and hosts do not have it.
        environment={**os.environ, "PIP_FIND_LINKS": "", "LC_ALL": "C.UTF-8"},
        on_line=lines.append,
    )
    if code:
        complaints = [line.strip() for line in lines if line.lstrip().startswith(_COMPLAINTS)]
        reason = (complaints or lines or [f"exit code {code}"])[0]
        message = _ACCOUNT.sub("//***@", f"{whom} does not answer: {reason}")
        raise InfrastructureError(message, line=_ACCOUNT.sub("//***@", reason))
    return lines


def _output(command: list[str]) -> list[str]:
    """Return the lines a query prints; none when the program is not here or fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return []
    return done.stdout.splitlines()
