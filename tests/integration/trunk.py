# SPDX-License-Identifier: Apache-2.0
"""A trunk of nova as git, made of its released source, with branches."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VERSION = "34.0.0"
VISIBLE = "2026-11-26T12:34:56Z"
REQUIRED = "inflection"
_VERSIONS = "nova/api/openstack/compute/versions.py"
_UPDATED = "2013-07-23T11:33:21Z"
_PERSON = {
    **{f"GIT_{who}_NAME": "Bob" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "bob@example.org" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-11-01T12:00:00+0000" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass
class Repository:
    """A git repository with a work tree, and where it is served."""

    path: Path
    url: str = ""

    def git(self, *words: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.path,
            env={**os.environ, **_PERSON, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def branch(self, name: str, start: str, subject: str, change: Callable[[Path], None]) -> str:
        """Make a branch with one commit, and return that."""
        self.git("checkout", "--quiet", "-B", name, start)
        change(self.path)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", subject)
        return self.git("rev-parse", "HEAD")


def start(directory: Path, project: str, version: str) -> Repository:
    """Make a repository of a project's released source, with one branch, `first`."""
    path = directory / project
    _unpack(directory, path, project, version)
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=first")
    repository.git("add", "--all", "--force")
    repository.git("commit", "--quiet", "--message", f"{project.capitalize()} {version}")
    return repository


def make(directory: Path) -> Repository:
    """Make nova's trunk of two commits, `first` and `master`, and a branch for each trouble."""
    repository = start(directory, "nova", VERSION)
    edits = {
        "master": (
            "Say more of nova",
            edited("README.rst", "supporting a wide", "which supports a wide"),
        ),
        "visible": ("Renew the API", edited(_VERSIONS, _UPDATED, VISIBLE)),
        "failing": ("Count no limits", edited("nova/api/openstack/compute/limits.py", *_FAILING)),
        "conflicting": (
            "Say it else",
            edited("README.rst", "supporting a wide", "that supports a wide"),
        ),
        "unbuildable": ("Break setup", edited("setup.py", "setuptools.setup(", "setuptools.up((")),
        "dying": ("Break the conductor", edited("nova/cmd/conductor.py", *_DYING)),
        "requiring": ("Inflect", _requiring),
        "contradicting": ("Go back", _appended("requirements.txt", "oslo.config<9\n")),
    }
    for name, (subject, change) in edits.items():
        repository.branch(name, "first", subject, change)
    repository.git("checkout", "--quiet", "master")
    return repository


def projects(directory: Path, **keys) -> Path:
    """Write a table of projects that takes the place of osci's own where it says something."""
    path = directory / "projects.json"
    path.write_text(json.dumps(keys))
    return path


_FAILING = (
    "    def index(self, req):\n",
    "    def index(self, req):\n        raise ValueError('spoilt by a branch')\n",
)
_DYING = ("def main():\n", "def main():\n    raise RuntimeError('broken by a branch')\n")
ALIVE = _DYING[::-1]


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a change of one place in a file."""

    def change(path: Path):
        text = (path / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (path / name).write_text(text.replace(old, new, 1))

    return change


def _appended(name: str, text: str) -> Callable[[Path], None]:
    def change(path: Path):
        with (path / name).open("a") as file:
            file.write(text)

    return change


def _requiring(path: Path):
    _appended("requirements.txt", f"{REQUIRED}>=0.5.1\n")(path)
    edited(_VERSIONS, "\nfrom nova", f"\nimport {REQUIRED}  # noqa\nfrom nova")(path)


def _unpack(directory: Path, path: Path, project: str, version: str):
    """Unpack a project's released source; what is in no repository of its own is left out."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--no-binary", project, f"{project}=={version}", "--dest", str(directory / "sdist")),
        ],
        check=True,
    )
    archive = directory / "sdist" / f"{project}-{version}.tar.gz"
    shutil.unpack_archive(archive, directory / "sdist")
    (directory / "sdist" / f"{project}-{version}").rename(path)
    os.chown(path, os.getuid(), os.getgid())  # git trusts no directory of somebody else's
    shutil.rmtree(path / f"{project}.egg-info")
    for name in ("PKG-INFO", "AUTHORS", "ChangeLog"):
        (path / name).unlink()
