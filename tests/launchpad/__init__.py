# SPDX-License-Identifier: Apache-2.0
"""A Launchpad of the tests' own: real Bazaar branches, served as Bazaar and by a web service.

Each server is a process of its own on 127.0.0.1, at a port that is free, and goes when
its `with` does or when the tests do.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TESTS = Path(__file__).parents[1]


def make_branches(directory: Path, *commits: dict) -> None:
    """Make Bazaar branches below a directory; see `launchpad.branches` for what a commit has."""
    subprocess.run(
        _command("launchpad.branches", directory),
        input=json.dumps(commits),
        env=_environment(directory),
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
    )


@contextmanager
def serve_bazaar(directory: Path) -> Iterator[str]:
    """Serve what is below a directory, branches and others, and yield the URL of it."""
    words = ("serve", "--listen=127.0.0.1", "--port=0", f"--directory={directory}")
    with _started(_command("breezy", *words), directory) as lines:
        port = next(match[1] for line in lines if (match := re.search(r"port: (\d+)", line)))
        yield f"bzr://127.0.0.1:{port}/"


@contextmanager
def serve(directory: Path, **table: object) -> Iterator[str]:
    """Serve the web service of Launchpad for a table, and yield its URL.

    `branches` are below the directory, as `make_branches` makes them. The table, of which
    all is optional but the branches that are named in it:

        projects={"nova": {"vcs": "Bazaar", "focus": "~core/nova/trunk"}},
        repositories={"~core/glance/+git/glance": {
            "url": URL, "default_of": ["owner", "project"], "refs": {"master": COMMIT}}},
        proposals=[{"source": "~bob/nova/spiffy", "target": "~core/nova/trunk",
            "date": "2026-01-02T00:00:00+00:00", "status": "Needs review"}]

    A proposal is from and for Bazaar branches, or REPOSITORY:BRANCH of git.
    """
    places = sorted(directory.glob("~*/*/*/.bzr"))
    branches = {str(place.parent.relative_to(directory)): str(place.parent) for place in places}
    words = json.dumps({"branches": branches, **table})
    with _started(_command("launchpad.service", words), directory) as lines:
        yield next(lines).strip()


@contextmanager
def _started(command: list[str], directory: Path) -> Iterator[Iterator[str]]:
    """Yield the lines of a program, which is ended afterwards."""
    with subprocess.Popen(
        command,
        env=_environment(directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.kill()


def _command(module: str, *words: object) -> list[str]:
    # Neither breezy nor zope is free of what Python warns of.
    return [sys.executable, "-W", "ignore", "-m", module, *map(str, words)]


def _environment(directory: Path) -> dict[str, str]:
    home = directory.with_name(f"{directory.name}.home")
    home.mkdir(exist_ok=True)
    return {
        "BRZ_EMAIL": "Core <core@example.org>",
        "BRZ_HOME": str(home),
        "BRZ_LOG": os.devnull,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_TESTS),
        "PYTHONUNBUFFERED": "1",
    }
