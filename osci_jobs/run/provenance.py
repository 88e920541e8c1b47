# SPDX-License-Identifier: Apache-2.0
"""What a run is made from besides the sources: osci itself, its playbooks, pins, suites, layers."""

import hashlib
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from osci_jobs import data, suites
from osci_jobs.deployment.projects import Projects
from osci_jobs.run.order import Order
from osci_jobs.run.play import PLAYBOOKS
from osci_jobs.sources import git

CONSTRAINTS = PLAYBOOKS / "roles" / "openstack" / "files" / "constraints.txt"
_PIN = re.compile(r"(?P<package>[A-Za-z0-9._-]+)==(?P<version>\S+)")


def find(order: Order, layers: Iterable[Path]) -> dict[str, Any]:
    """Return what the run is made from, as run.json has it."""
    return {
        "osci": _version(),
        "commit": _commit(data.directory()),
        "playbooks": tree_digest(PLAYBOOKS),
        "constraints": file_digest(CONSTRAINTS) if order.deployment.services else "",
        "layers": [layer.name for layer in layers],
        "suites": suites_of(order),
    }


def pins(projects: Projects) -> dict[str, str]:
    """Return the pinned release of each project that osci deploys, by the project's name."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    found = {pin["package"]: pin["version"] for pin in map(_PIN.fullmatch, lines) if pin}
    return {
        name: found[project.package]
        for name, project in sorted(projects.by_name.items())
        if project.package in found
    }


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree_digest(directory: Path) -> str:
    """Return a digest of the names and contents of all files below a directory."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        # pip compiles what it installs, each environment in its own way.
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(f"{path.relative_to(directory)}\0{file_digest(path)}\0".encode())
    return digest.hexdigest()


def suites_of(order: Order) -> dict[str, str]:
    """Return a digest of what each suite of the order runs, by its name."""
    services = order.deployment.services
    return {
        suite.name: suites.digest(suites.find(suite.suite).plan(suite, services))
        for suite in order.suites
    }


def _commit(tree: Path) -> str:
    """Return the commit that is checked out in a tree, "" for one that is no git checkout."""
    if not (tree / ".git").exists():
        return ""
    answer = git.run(tree / ".git", "rev-parse", "--verify", "HEAD")
    return "" if answer.code else answer.text


def _version() -> str:
    try:
        return version("osci-jobs")
    except PackageNotFoundError:
        return ""
