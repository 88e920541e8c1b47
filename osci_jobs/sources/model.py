# SPDX-License-Identifier: Apache-2.0
"""What is known of a source once it was found, and once it has met trunk."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where the proposed code is: a ref of a git repository, or a commit that a mirror has.

    `details` is what a server said of it (number, patch set, subject, …), texts by name.
    `trunk_url` and `trunk_branch` are what the server says that it is proposed for, ""
    where it says nothing. `vcs` is "git", or "bazaar" for what has to become commits
    first: then `url` and `trunk_url` are Bazaar's, and there are no refs.
    """

    url: str
    ref: str
    commit: str = ""
    trunk_url: str = ""
    trunk_branch: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    vcs: str = "git"


@dataclass(frozen=True)
class Change:
    """How much a merged source differs from its trunk."""

    files: int
    insertions: int
    deletions: int


@dataclass(frozen=True)
class Fetched:
    """A source whose code is in its mirror; commits and tree are full ids.

    For a release all but `project`, `kind` and `ref` (the version) is "" or empty. As it
    is, `merged` is `proposed`, and `trunk` and `base` are "" where trunk has nothing in
    common with it. `tag` is the newest version tag below `merged` and `distance` how many
    commits follow it.
    """

    project: str
    kind: str
    text: str
    url: str = ""
    ref: str = ""
    method: str = "as-is"
    proposed: str = ""
    trunk_url: str = ""
    trunk_ref: str = ""
    trunk: str = ""
    base: str = ""
    merged: str = ""
    tree: str = ""
    change: Change | None = None
    tag: str = ""
    distance: int = 0
    author: str = ""  # the address in the proposed commit, as a stranger wrote it
    is_dirty: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
