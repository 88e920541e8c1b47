# SPDX-License-Identifier: Apache-2.0
"""`osci jobs`: what Jenkins Job Builder reads of the deployments, and views on a Hudson."""

import argparse
import json
import os
from pathlib import Path

from osci_jobs import deployment
from osci_jobs.cli import configuration
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.hudson import account, builder, listing, views
from osci_jobs.hudson.builder import View
from osci_jobs.hudson.server import Server
from osci_jobs.results import files


def call(asked: argparse.Namespace) -> int:
    """Do what is asked for; with --check write nothing, and return 1 when there is something."""
    listing.check(asked.jobs_dir)
    return _ACTS[asked.act](asked)


def _render(asked: argparse.Namespace) -> int:
    """Write the list of deployments, or say what is stale in it."""
    text = listing.text(deployment.load_all(configuration.directory(asked)))
    path = asked.jobs_dir / listing.FILE
    stale = listing.differences(_read(path), text)
    if stale and not asked.check:
        _write(path, text)
    _print(asked, path, stale)
    return int(bool(stale) and asked.check)


def _make_views(asked: argparse.Namespace) -> int:
    """Make the views on the server, or say which are not there."""
    server = Server(account.find(asked.conf, os.environ, Path.home()))
    wanted = builder.views(asked.jobs_dir)
    missing = [view.name for view in wanted if _is_missing(server, view, asked.check)]
    if asked.json:
        document = {"missing": missing, "views": [view.name for view in wanted]}
        print(json.dumps(document, indent=2, sort_keys=True))
    else:
        for view in wanted:
            print(f"{view.name}: {_found(view.name in missing, asked.check)}")
    return int(bool(missing) and asked.check)


def _is_missing(server: Server, view: View, only_look: bool) -> bool:
    """Tell whether the view was not there; it is made, or renewed, unless this only looks."""
    if only_look:
        return not views.exists(server, view.name)
    return views.write(server, view.name, view.description, view.regex)


def _found(is_missing: bool, only_looked: bool) -> str:
    if only_looked:
        return "missing" if is_missing else "there"
    return "made" if is_missing else "renewed"


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


_ACTS = {"render": _render, "views": _make_views}
