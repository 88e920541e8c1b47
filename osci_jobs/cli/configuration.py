# SPDX-License-Identifier: Apache-2.0
"""Where a command finds its deployment configurations."""

import argparse
from pathlib import Path

from osci_jobs import data
from osci_jobs.deployment import Deployment, load

DEFAULT = Path("config/deploy")


def directory(asked: argparse.Namespace) -> Path:
    """Return the directory that was asked for, else the tree's, else osci's own samples."""
    if asked.deployment_config_dir:
        return asked.deployment_config_dir
    return DEFAULT if DEFAULT.is_dir() else data.directory() / DEFAULT


def deployment(asked: argparse.Namespace, name: str) -> Deployment:
    """Load one deployment; raises ConfigurationError with all its faults."""
    return load(directory(asked), name)
