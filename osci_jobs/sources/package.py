# SPDX-License-Identifier: Apache-2.0
"""Which Python package the tree of a commit is the source of."""

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

from osci_jobs.deployment.projects import Project
from osci_jobs.errors import SourceError
from osci_jobs.results.escape import clip, visible_line

from . import git, merging

_BYTES = 1 << 20


def check(mirror: Path, commit: str, project: Project) -> None:
    """Raise SourceError where a commit is not the source of the project's package."""
    found = name(mirror, commit)
    if _normal(found) == _normal(project.package):
        return
    what = f"names the package '{clip(visible_line(found), 80)}'" if found else "names no package"
    raise SourceError(
        f"{merging.name(mirror, commit)} is not {project.name}: its setup.cfg or pyproject.toml "
        f"{what}, expected '{project.package}'."
    )


def name(mirror: Path, commit: str) -> str:
    """Return the name of the package that a commit is the source of, "" where it tells none."""
    pyproject = _parsed_toml(_content(mirror, commit, "pyproject.toml"))
    setup = _parsed_setup(_content(mirror, commit, "setup.cfg"))
    return pyproject or setup


def _normal(found: str) -> str:
    """Return the one spelling of a package's name, by PEP 503."""
    return re.sub(r"[-_.]+", "-", found).lower()


def _content(mirror: Path, commit: str, file: str) -> str:
    """Return a plain file of a commit, "" when it is not there, a link, or too large."""
    listed = git.read(mirror, "ls-tree", "-l", commit, "--", file).split()
    if not listed or not listed[0].startswith("100") or int(listed[3]) > _BYTES:
        return ""
    return git.run(mirror, "cat-file", "blob", listed[2]).output.decode("utf-8", "replace")


def _parsed_toml(content: str) -> str:
    try:
        project = tomllib.loads(content).get("project")
    except (ValueError, RecursionError):
        return ""
    return _text(project.get("name")) if isinstance(project, dict) else ""


def _parsed_setup(content: str) -> str:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(content)
    except configparser.Error:
        return ""
    return _text(parser.get("metadata", "name", fallback=""))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
