# SPDX-License-Identifier: Apache-2.0
"""What a run is made from besides the sources: osci itself, its playbooks, pins, suites, layers."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from osci_jobs import data, suites
from osci_jobs.deployment.projects import Projects
from osci_jobs.groups import installation, wheel
from osci_jobs.run.order import Order
from osci_jobs.run.play import PLAYBOOKS
from osci_jobs.sources import git

CONSTRAINTS = PLAYBOOKS / "roles" / "openstack" / "files" / "constraints.txt"


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
    found = installation.read_pins(CONSTRAINTS)
    packages = {
        name: wheel.normal(project.package) for name, project in sorted(projects.by_name.items())
    }
    return {name: found[package] for name, package in packages.items() if package in found}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree_digest(directory: Path) -> str:
    """Return a digest of the names and contents of all files below a directory."""
    digest = hashlib.sha256()
    for name, found in file_digests(directory, directory):
        digest.update(f"{name}\0{found}\0".encode())
    return digest.hexdigest()


def file_digests(root: Path, *paths: Path) -> list[list[str]]:
    """Return name and digest of every file at or below the paths; names are relative to `root`."""
    files = [file for path in paths for file in (path, *sorted(path.rglob("*")))]
    return [
        [str(file.relative_to(root)), file_digest(file)]
        for file in files
        # pip compiles what it installs, each environment in its own way.
        if file.is_file() and file.parent.name != "__pycache__"
    ]


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
