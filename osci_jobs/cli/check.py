# SPDX-License-Identifier: Apache-2.0
"""`osci check`: is a deployment configuration right, and what does it mean."""

import argparse
import json

from osci_jobs.cli import configuration
from osci_jobs.deployment import Deployment, describe, explain, load_all
from osci_jobs.errors import ConfigurationError


def call(asked: argparse.Namespace) -> int:
    """Print each resolved deployment; all faults of all files at once."""
    deployments = _load(asked)
    if asked.json:
        described = [describe(deployment) for deployment in deployments]
        print(json.dumps({"deployments": described}, indent=2, sort_keys=True))
    else:
        print("\n\n".join(_text(deployment) for deployment in deployments))
    return 0


def _load(asked: argparse.Namespace) -> list[Deployment]:
    if bool(asked.deployment) == asked.all:
        raise ConfigurationError("Give the name of one deployment, or --all.")
    if asked.all:
        return load_all(configuration.directory(asked))
    return [configuration.deployment(asked, asked.deployment)]


def _text(deployment: Deployment) -> str:
    rows = explain(deployment)
    width = max(len(path) for path, _, _ in rows)
    lines = [f"{path:{width}}  {value}  ({origin})" for path, value, origin in rows]
    notes = [f"note: {note}" for note in deployment.notes]
    return "\n".join([f"{deployment.name} ({deployment.path})", *lines, *notes])
