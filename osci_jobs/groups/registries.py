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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from osci_jobs import process, signals
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
_APT_LINE = re.compile(r'(?P<name>\S+) "(?P<value>.*)";')
_URL = re.compile(r"https?://[^\s/?#()]+")
_PORTS = {"http": 80, "https": 443}

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


@dataclass(frozen=True)
class Reach:
    """How registries are reached from here.

    `routes` maps each address, as `pypi.org:443`, to the URL of the proxy by which it is
    reached, "" for none. `pip` is pip's settings.
    """

    routes: Mapping[str, str]
    pip: Mapping[str, str]


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


def ask_index() -> list[str]:
    """Ask pip's index for a package that hosts need, by pip itself; return what pip said.

    Each file that the index has of the package is among it. Raises
    InfrastructureError when there is no answer in time.
    """
    return _ask(_question(_INDEXED), "pip's index")


def has(package: str) -> bool:
    """Tell whether pip's index has the package; raises as `ask_index` does."""
    lines: list[str] = []
    code = _run_client(_question(package), "pip's index", lines)
    refusals = [line for line in lines if "Could not fetch URL" in line]
    if any(" 404 " not in line for line in refusals):
        raise _silence("pip's index", lines, code)
    return not code


def reach() -> Reach:
    """Return how this machine reaches what pip and apt fetch.

    An index has its files where it likes, so where they are is seen in what it answers.
    Raises InfrastructureError when it does not answer.
    """
    with ThreadPoolExecutor() as pool:
        # Each of these takes a second, apart from the index. Their threads leave signals to
        # the main one.
        with signals.blocked():
            asked_apt, asked_pip = pool.submit(sources), pool.submit(_pip_options)
        said = "\n".join(ask_index())
        mirrors, options = asked_apt.result(), asked_pip.result()
    apt = _apt_options()
    urls = [line.split()[1] for line in mirrors]
    found = {url: apt.get(f"Acquire::{urlsplit(url).scheme}::Proxy", "") for url in urls}
    found |= dict.fromkeys(_URL.findall(said), options.get("proxy", ""))
    routes = {
        _address(url): _proxy(url, setting) for url, setting in found.items() if _address(url)
    }
    return Reach(routes, options)


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
    return _pip_conf(_pip_options())


def blanked(text: str) -> str:
    """Return `text` without the accounts that URLs in it have."""
    return _ACCOUNT.sub("//***@", text)


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
    return _write(directory, contents)


def borrow_for_pip(directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Write what pip needs in a host that has a network of its own, as `borrow` does.

    Anybody in the host can read it, and with it the password that the address of an
    index may have.
    """
    directory.mkdir(mode=0o700)
    contents = {
        "/etc/pip.conf": _pip_conf(settings),
        "/etc/hosts": "127.0.0.1 localhost\n",
        _CERTIFICATES: _read(_certificates()),
    }
    return _write(directory, contents)


def _pip_conf(found: Mapping[str, str]) -> str:
    lines = [f"{name} = {value}".replace("\n", "\n    ") for name, value in found.items()]
    return "\n".join(["[global]", f"cert = {_CERTIFICATES}", *sorted(lines), ""])


def _pip_options() -> dict[str, str]:
    matches = map(_PIP_LINE.fullmatch, _output([sys.executable, "-m", "pip", "config", "list"]))
    settings = [match for match in matches if match and match["name"] in _PIP_SETTINGS]
    return {
        match["name"].replace("default-timeout", "timeout"): ast.literal_eval(match["value"])
        for section in _PIP_SECTIONS
        for match in settings
        if match["section"] == section
    }


def _apt_options() -> dict[str, str]:
    """Return apt's settings of how it fetches, those of a list under a name that ends in '::'."""
    matches = map(_APT_LINE.fullmatch, _output(["apt-config", "dump", "Acquire"]))
    return {match["name"]: match["value"] for match in matches if match}


def _address(url: str) -> str:
    """Return the `host:port` of a URL, "" when it is not of http or https."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    if not port or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}"


def _proxy(url: str, setting: str) -> str:
    """Return the proxy for a URL by a program's own setting, else by the environment."""
    found = setting
    if not setting and not proxy_bypass(_address(url)):
        found = getproxies().get(urlsplit(url).scheme, "")
    if found in ("", "DIRECT"):
        return ""
    proxy = found if "://" in found else f"http://{found}"
    if not proxy.startswith("http://"):
        scheme = proxy.partition("://")[0]
        raise InfrastructureError(
            f"This machine's proxy is spoken to by '{scheme}'; throw-away hosts reach the "
            "registries by one that is spoken to by 'http' only."
        )
    return proxy


def _certificates() -> str:
    named = [os.environ.get(variable, "") for variable in _CERTIFICATE_VARIABLES]
    return next((path for path in named if path and Path(path).is_file()), _CERTIFICATES)


def _write(directory: Path, contents: Mapping[str, str]) -> dict[str, str]:
    """Write contents, each by its place in the host; return which file belongs where."""
    places = {}
    for place, content in contents.items():
        file = directory / place.strip("/").replace("/", "-")
        file.write_text(content, encoding="utf-8")
        file.chmod(0o644)  # in the host it is read by others than root, as the account of apt
        places[str(file)] = place
    return places


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _question(package: str) -> list[str]:
    """Return the command by which pip asks its index for all versions of a package."""
    command = [sys.executable, "-m", "pip", "index", "versions", "-vv", "--retries=0"]
    return [*command, f"--timeout={ANSWER_SECONDS}", "--", package]


def _ask(command: list[str], whom: str) -> list[str]:
    """Return the lines that a client prints; raise InfrastructureError with its complaint."""
    lines: list[str] = []
    code = _run_client(command, whom, lines)
    if code:
        raise _silence(whom, lines, code)
    return lines


def _run_client(command: list[str], whom: str, lines: list[str]) -> int:
    return process.run(
        command,
        name=whom,
        silence_seconds=2 * ANSWER_SECONDS,
        # A directory of packages on this machine is not the index, and hosts do not have it.
        environment={**os.environ, "PIP_FIND_LINKS": "", "LC_ALL": "C.UTF-8"},
        on_line=lines.append,
    )


def _silence(whom: str, lines: list[str], code: int) -> InfrastructureError:
    complaints = [line.strip() for line in lines if line.lstrip().startswith(_COMPLAINTS)]
    reason = (complaints or lines or [f"exit code {code}"])[0]
    return InfrastructureError(blanked(f"{whom} does not answer: {reason}"), line=blanked(reason))


def _output(command: list[str]) -> list[str]:
    """Return the lines a query prints; none when the program is not here or fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return []
    return done.stdout.splitlines()
