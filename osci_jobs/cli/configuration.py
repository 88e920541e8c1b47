# SPDX-License-Identifier: Apache-2.0
"""Where a command finds its deployment configurations."""

import argparse
from pathlib import Path

from osci_jobs import data
from osci_jobs.deployment import Deployment, load

DEFAULT = Path("config/deploy")


def directory(asked: argparse.Namespace) -> Path:
    """Return the directory that was asked for, else the tree's, else osci's own samples."""
    return place(asked.deployment_config_dir, DEFAULT)


def place(given: Path | None, default: Path) -> Path:
    """Return the directory that was given, else the tree's, else the one that comes with osci."""
    if given:
        return given
    return default if default.is_dir() else data.directory() / default


def deployment(asked: argparse.Namespace, name: str) -> Deployment:
    """Load one deployment; raises ConfigurationError with all its faults."""
    return load(directory(asked), name)
