# SPDX-License-Identifier: Apache-2.0
"""Names of tags that are versions of a project, and which of them a commit follows."""

import re
from pathlib import Path

from . import git

# OpenStack's releases by PEP 440, old and new: 2011.3, 12.0.0, 31.0.0.0rc1.
_VERSION = re.compile(
    r"(?P<release>[0-9]{1,6}(?:\.[0-9]{1,6}){1,5})(?:(?P<kind>a|b|rc)(?P<number>[0-9]{1,4}))?",
    re.ASCII,
)
_FIELDS = "%(refname) %(committerdate:unix)%(*committerdate:unix)"

Key = tuple[tuple[int, ...], str, int]


def key(name: str) -> Key | None:
    """Return what puts versions in order, None for a name that is none."""
    match = _VERSION.fullmatch(name)
    if not match:
        return None
    numbers = [int(number) for number in match["release"].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    # What has no letter comes after all that have one.
    return tuple(numbers), match["kind"] or "z", int(match["number"] or 0)


def follow(mirror: Path, commit: str, tags: str) -> tuple[str, int]:
    """Return the newest version that leads to a commit, and how many commits follow it.

    `tags` is the prefix of the refs to look at. Newest is by date, for OpenStack's 12.0.0
    came after its 2015.1. "" and 0 when there is none.
    """
    listed = git.read(mirror, "for-each-ref", f"--merged={commit}", f"--format={_FIELDS}", tags)
    dated = [_dated(line.removeprefix(tags)) for line in listed.splitlines()]
    if not dated:
        return "", 0
    name = max(dated)[2]
    return name, int(git.read(mirror, "rev-list", "--count", f"{tags}{name}..{commit}"))


def _dated(line: str) -> tuple[int, Key, str]:
    name, _, seconds = line.partition(" ")
    order = key(name)
    assert order, f"'{name}' was kept as a version"
    return int(seconds or 0), order, name
