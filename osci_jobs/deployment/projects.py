# SPDX-License-Identifier: Apache-2.0
"""The projects whose code can be taken from a source, and where the trunk of each is."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from .. import data
from ..errors import ConfigurationError
from . import content, document
from .document import Document
from .faults import Fault, Path, hint, printable, quoted, sentence, show
from .notation import is_bazaar_url, is_branch, is_git_url, is_plain_url

FILE = FilePath("config/projects.json")

_SERVERS = {
    "bazaar": (is_bazaar_url, "an http, https or bzr URL"),
    "gerrit": (is_plain_url, "an http or https URL"),
    "launchpad": (is_plain_url, "an http or https URL"),
}
_KEYS = ("branch", "package", "url")


@dataclass(frozen=True)
class Project:
    """A project of OpenStack: its trunk, and the Python package that it is released as."""

    name: str
    package: str
    url: str
    branch: str


@dataclass(frozen=True)
class Projects:
    """All projects, by name, and the servers that short notations mean, each a URL.

    `bazaar` is where Launchpad serves Bazaar branches, `launchpad` its web service, `path`
    the file that took the place of some of it, "" for none.
    """

    bazaar: str
    gerrit: str
    launchpad: str
    by_name: Mapping[str, Project]
    path: str = ""


def load(override: FilePath | None = None) -> Projects:
    """Return the table of config/projects.json; what the file `override` has takes its place.

    It may have some of the servers and some keys of some projects, but no project of
    its own. Raises ConfigurationError with all its faults.
    """
    table = _own()
    if not override:
        return table
    return replace(_overridden(table, _parse(override)), path=str(override.resolve()))


def advice(name: str, known: Mapping[str, Any]) -> str:
    """Return what to say of a project that is not there: the nearest, else all of them."""
    return hint(name, tuple(known)) or f" Expected one of {quoted(sorted(known))}."


@functools.cache
def _own() -> Projects:
    own = _parse(data.directory() / FILE).value
    return Projects(
        **{server: own[server] for server in _SERVERS},
        by_name={name: Project(name=name, **keys) for name, keys in own["projects"].items()},
    )


def _parse(path: FilePath) -> Document:
    return document.parse(printable(str(path)), content.decode(path, content.read(path)))


def _overridden(table: Projects, read: Document) -> Projects:
    faults = list(_iter_faults(read.value, table))
    if faults:
        lines = [
            f"{document.where(read, fault.path, fault.at_key)}: {sentence(fault)}"
            for fault in faults
        ]
        raise ConfigurationError("\n".join(lines))
    changed = {
        name: replace(table.by_name[name], **keys)
        for name, keys in read.value.get("projects", {}).items()
    }
    servers = {server: read.value[server] for server in _SERVERS if server in read.value}
    return replace(table, **servers, by_name={**table.by_name, **changed})


def _iter_faults(value: Any, table: Projects) -> list[Fault]:
    if not isinstance(value, dict):
        return [Fault((), show(value), "an object")]
    faults = _unknown((), value, (*_SERVERS, "projects"))
    for server, (is_right, expected) in _SERVERS.items():
        if server in value and not is_right(value[server]):
            faults.append(Fault((server,), show(value[server]), expected))
    projects = value.get("projects", {})
    if not isinstance(projects, dict):
        return [*faults, Fault(("projects",), show(projects), "an object")]
    faults += _unknown(("projects",), projects, tuple(table.by_name))
    for name in (name for name in projects if name in table.by_name):
        faults += _project_faults(("projects", name), projects[name])
    return faults


def _project_faults(path: Path, entry: Any) -> list[Fault]:
    if not isinstance(entry, dict):
        return [Fault(path, show(entry), "an object")]
    faults = _unknown(path, entry, _KEYS)
    rules = (
        ("branch", is_branch, "the name of a branch"),
        ("package", _is_text, "the name of a Python package"),
        ("url", is_git_url, "the URL of a git repository, without a password"),
    )
    for key, is_right, expected in rules:
        if key in entry and not is_right(entry[key]):
            faults.append(Fault((*path, key), show(entry[key]), expected))
    return faults


def _unknown(path: Path, entry: Mapping[str, Any], known: tuple[str, ...]) -> list[Fault]:
    expected = "one of the keys " + quoted(sorted(known)) if len(known) < 9 else "a known project"
    return [
        Fault((*path, key), "an unknown key", expected, key, known, at_key=True)
        for key in entry
        if key not in known
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value)
