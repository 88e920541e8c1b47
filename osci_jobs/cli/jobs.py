# SPDX-License-Identifier: Apache-2.0
"""`osci jobs`: what Jenkins Job Builder reads of the deployments."""

import argparse
import json
from pathlib import Path

from osci_jobs import deployment
from osci_jobs.cli import configuration
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.hudson import listing
from osci_jobs.results import files


def call(asked: argparse.Namespace) -> int:
    """Write the list of deployments, or say what is stale in it; then the exit code is 1."""
    listing.check(asked.jobs_dir)
    text = listing.text(deployment.load_all(configuration.directory(asked)))
    path = asked.jobs_dir / listing.FILE
    stale = listing.differences(_read(path), text)
    if stale and not asked.check:
        _write(path, text)
    _print(asked, path, stale)
    return int(bool(stale) and asked.check)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace") if path.exists() else ""
    except OSError as error:
        raise ConfigurationError(f"'{path}': The file cannot be read: {error.strerror}.") from error


def _write(path: Path, text: str) -> None:
    try:
        files.write_text(path, text)
    except OSError as error:
        raise InfrastructureError(f"'{path}': {error.strerror}.") from error


def _print(asked: argparse.Namespace, path: Path, stale: dict[str, str]) -> None:
    if asked.json:
        print(json.dumps({"path": str(path), "stale": stale}, indent=2, sort_keys=True))
        return
    for name, what in stale.items():
        print(f"{name}: {what}")
    if asked.check and stale:
        print(f"'{path}' is stale; renew it with: osci jobs render")
    else:
        print(f"'{path}' is {'written' if stale else 'up to date'}.")
