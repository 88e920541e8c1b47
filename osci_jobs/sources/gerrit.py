# SPDX-License-Identifier: Apache-2.0
"""Changes of a Gerrit: the commit that a number stands for, and the branch it is for.

https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from osci_jobs.deployment.faults import quoted, show
from osci_jobs.deployment.model import Source
from osci_jobs.deployment.notation import is_branch, is_commit
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.sources import rest
from osci_jobs.sources.attempts import Patience
from osci_jobs.sources.model import Place

# What keeps its JSON from being run as a script of somebody else's page.
_PREFIX = b")]}'"
# The commits are asked for because the change's own subject is that of its newest patch set.
_OPTIONS = ("ALL_REVISIONS", "ALL_COMMITS", "DETAILED_ACCOUNTS")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_CLOSED = {"ABANDONED": "was abandoned", "MERGED": "is merged already"}
_DETAIL_CHARACTERS = 1_000
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class _PatchSet:
    """A version of a change, and its commit."""

    number: int
    revision: str
    subject: str


@dataclass(frozen=True)
class _Change:
    """A change, and all its patch sets by their numbers."""

    number: int
    repository: str
    branch: str
    owner: str
    status: str
    topic: str
    patch_sets: Mapping[int, _PatchSet]


def find(
    server_url: str,
    source: Source,
    project: Project,
    patience: Patience,
) -> Place:
    """Return the place of a source's patch set, of the newest where it names none.

    Its `details` are number, patch_set, revision (the commit), subject, owner, status
    (NEW, MERGED, ABANDONED), topic, branch, repository and change_url. Raises
    SourceError where there is no such patch set or it is of another project, and
    InfrastructureError where the server is silent, or speaks as no Gerrit does.
    """
    server = server_url.rstrip("/") + "/"
    number, _, asked = source.ref.partition("/")
    change = _change(server, int(number), patience)
    _check_project(change, project)
    patch_set = _patch_set(change, asked)
    if change.status in _CLOSED:
        patience.say(f"The change {number} {_CLOSED[change.status]}; it is tested all the same.")
    return _place(server, change, patch_set)


def _change(server: str, number: int, patience: Patience) -> _Change:
    options = "".join(f"&o={option}" for option in _OPTIONS)
    url = f"{server}changes/?q=change:{number}{options}"
    found = rest.get(url, patience, _PREFIX)
    if found == []:
        raise SourceError(
            f"'{server}' has no change {number}, or does not show it to those without an account."
        )
    try:
        return _parsed(found, number)
    except _StrangeError as error:
        raise InfrastructureError(f"'{server}' speaks as no Gerrit does: {error}.") from error


def _check_project(change: _Change, project: Project) -> None:
    names = (project.name, _last_name(project.url))
    if _last_name(change.repository) not in names:
        shown = clip(visible_line(change.repository), _SHOWN_CHARACTERS)
        raise SourceError(
            f"The change {change.number} is of '{shown}', expected one of '{project.name}'."
        )


def _patch_set(change: _Change, asked: str) -> _PatchSet:
    number = int(asked) if asked else max(change.patch_sets)
    if number not in change.patch_sets:
        there = clip(quoted(str(each) for each in sorted(change.patch_sets)), _SHOWN_CHARACTERS)
        raise SourceError(
            f"The change {change.number} has no patch set '{number}', expected {there}."
        )
    return change.patch_sets[number]


def _place(server: str, change: _Change, patch_set: _PatchSet) -> Place:
    """Return the place by the rules of every Gerrit.

    What it says itself of how to fetch is left alone: it says nothing without the
    plugin download-commands, and an address of a stranger's choice with it.
    """
    repository = quote(change.repository)
    details = {
        "number": str(change.number),
        "patch_set": str(patch_set.number),
        "revision": patch_set.revision,
        "subject": patch_set.subject,
        "owner": change.owner,
        "status": change.status,
        "topic": change.topic,
        "branch": change.branch,
        "repository": change.repository,
        "change_url": f"{server}c/{repository}/+/{change.number}/{patch_set.number}",
    }
    return Place(
        url=server + repository,
        ref=f"refs/changes/{change.number % 100:02}/{change.number}/{patch_set.number}",
        trunk_branch=change.branch,
        details={name: clip(text, _DETAIL_CHARACTERS) for name, text in details.items()},
    )


def _last_name(place: str) -> str:
    return re.split("[/:]", place.rstrip("/"))[-1].removesuffix(".git")


class _StrangeError(ValueError):
    """What no Gerrit says; the message tells what was found, and what was expected."""


def _parsed(found: Any, number: int) -> _Change:
    if not isinstance(found, list):
        raise _StrangeError(f"found {show(found)}, expected a list of changes")
    change = _object("a change", found[0])
    if _whole(change, "_number") != number:
        raise _StrangeError(f"found the change {_whole(change, '_number')}, expected {number}")
    owner = _object("an owner", change.get("owner", {}))
    return _Change(
        number=number,
        repository=_text(change, "project"),
        branch=_branch(change),
        owner=_text(owner, "name", "") or _text(owner, "username", ""),
        status=_text(change, "status", ""),
        topic=_text(change, "topic", ""),
        patch_sets=_patch_sets(_object("the revisions", change.get("revisions"))),
    )


def _patch_sets(revisions: dict[str, Any]) -> dict[int, _PatchSet]:
    found = {}
    for revision, value in revisions.items():
        if not is_commit(revision):
            raise _StrangeError(f"found the revision {show(revision)}, expected a commit")
        described = _object("a revision", value)
        commit = _object("a commit", described.get("commit", {}))
        number = _whole(described, "_number")
        found[number] = _PatchSet(number, revision, _text(commit, "subject", ""))
    if not found:
        raise _StrangeError("found no patch set, expected at least one")
    return found


def _branch(change: dict[str, Any]) -> str:
    name = _text(change, "branch")
    if not is_branch(name):
        raise _StrangeError(f"found {show(name)}, expected the name of a branch")
    return name


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _StrangeError(f"found {show(value)}, expected {name}")
    return value


def _whole(of: dict[str, Any], key: str) -> int:
    """Return a number, which some servers write as a text."""
    text = str(of.get(key))
    if not _NUMBER.fullmatch(text):
        raise _StrangeError(f"found {show(of.get(key))}, expected '{key}' to be a number")
    return int(text)


def _text(of: dict[str, Any], key: str, default: str | None = None) -> str:
    value = of.get(key, default)
    if not isinstance(value, str):
        raise _StrangeError(f"found {show(value)}, expected '{key}' to be a text")
    # JSON can hold halves of characters, and no file can.
    return value.encode("utf-8", "replace").decode("utf-8")
