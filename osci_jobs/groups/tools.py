# SPDX-License-Identifier: Apache-2.0
"""The Debian packages that groups need on this machine."""

import os
import shutil
import subprocess
from collections.abc import Callable

from osci_jobs import process
from osci_jobs.errors import InfrastructureError

# What a command is called, and the package that brings it.
PACKAGES = {
    "git": "git",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nc": "netcat-openbsd",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
# Those that the software of a deployment needs here besides.
SOFTWARE_PACKAGES = {"hudson": {"java": "default-jre-headless", "mvn": "maven"}}
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


def require_root():
    """Raise InfrastructureError unless this process may make hosts."""
    if os.geteuid() != 0:
        raise InfrastructureError(
            "Hosts are made by root only; run osci as root (for example with sudo)."
        )


def missing(software: str = "") -> list[str]:
    """Return the packages that this machine lacks for hosts with the software on them."""
    packages = PACKAGES | SOFTWARE_PACKAGES.get(software, {})
    return sorted({packages[tool] for tool in packages if shutil.which(tool) is None})


def unknown(packages: list[str]) -> list[str]:
    """Return those of the packages that apt, by its lists as they are, cannot install."""
    lines = process.call(["env", "LC_ALL=C", "apt-cache", "policy", *packages]).stdout.splitlines()
    names = [line.removesuffix(":") for line in lines if line.endswith(":") and line[:1] != " "]
    candidates = [line.split()[-1] for line in lines if line.startswith("  Candidate: ")]
    known = {name for name, one in zip(names, candidates, strict=True) if one != "(none)"}
    return [package for package in packages if package not in known]


def ensure(software: str, say: Callable[[str], None], *, may_install: bool):
    """Install the packages that are missing for hosts with the software, after saying so.

    Raises InfrastructureError with the line to run when `may_install` is false
    or when apt fails.
    """
    packages = missing(software)
    if not packages:
        return
    install = [*INSTALL, *packages]
    if not may_install:
        raise InfrastructureError(
            f"The Debian packages {', '.join(packages)} are missing; run: {' '.join(install)}"
        )
    say(f"Installing the Debian packages {', '.join(packages)}, which hosts need.")
    _apt(["apt-get", "update"])
    _apt(install)


def _apt(command: list[str]):
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError:
        raise InfrastructureError(
            f"'{command[0]}' is not here; osci makes its hosts on Debian."
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise InfrastructureError(f"'{' '.join(command)}' failed: {lines[-1]}", line=lines[-1])


def require_namespaces():
    """Raise InfrastructureError when this machine lets root make no namespaces."""
    done = process.call(["unshare", "--net", "--mount", "true"])
    if done.returncode:
        raise InfrastructureError(
            f"This machine makes no namespaces ({done.stderr.strip()}); osci needs a machine, "
            "or a container with CAP_SYS_ADMIN, that does."
        )
