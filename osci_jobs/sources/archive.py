# SPDX-License-Identifier: Apache-2.0
"""A commit's tree as a tar, exactly as it is, for hosts to unpack."""

from pathlib import Path

from osci_jobs.errors import SourceError
from osci_jobs.results.escape import clip, visible_line

from . import git, merging

# Nova has 30 MiB in 5,000 files.
TREE_BYTES = 512 << 20
TREE_FILES = 100_000
# Git refuses them in what it fetches, but not from a server that only hands out files.
_FORBIDDEN = {"", ".", "..", ".git"}


def export(mirror: Path, commit: str, path: Path) -> None:
    """Write a commit's tree to the tar `path`, which appears whole; submodules stay empty.

    The same commit makes the same file. Raises SourceError for a tree that is too large.
    """
    check(mirror, commit)
    partial = path.with_name(f"{path.name}.partial")
    # The tree's own attributes leave nothing out: those of the mirror come first.
    git.read(mirror, "archive", "--format=tar", f"--output={partial}", commit)
    partial.rename(path)


def check(mirror: Path, commit: str) -> None:
    """Raise SourceError for a commit whose tree is not to be unpacked, too large above all.

    A few nested trees can stand for more files than a disk holds, so it counts only as
    far as is allowed.
    """
    total = 0
    for count, record in enumerate(git.iter_records(mirror, "ls-tree", "-r", "-l", "-z", commit)):
        # Mode, type, id, size, and after a tab the name; '-' is the size of a submodule.
        fields, _, path = record.partition("\t")
        if not _FORBIDDEN.isdisjoint(path.lower().split("/")):
            raise SourceError(
                f"The tree of {merging.name(mirror, commit)} has the path "
                f"'{clip(visible_line(path), 100)}', which leads out of it or into a repository."
            )
        size = fields.split()[3]
        total += 0 if size == "-" else int(size)
        if total > TREE_BYTES or count >= TREE_FILES:
            raise SourceError(
                f"The tree of {merging.name(mirror, commit)} has {total >> 20} MiB or more in "
                f"{count + 1} files or more; osci takes {TREE_BYTES >> 20} MiB in "
                f"{TREE_FILES} files at most."
            )
