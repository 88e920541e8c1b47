# SPDX-License-Identifier: Apache-2.0
"""A checkout of this machine as a source, in which nothing is written and nothing is run.

Its own settings name programs (filters, monitors, hooks), which git would run for a mere
`git status`. So only git-upload-pack(1) reads its repository, and what is in its files is
found by a repository beside the mirror, which borrows them as its working tree.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from osci_jobs.errors import ConfigurationError
from osci_jobs.results.escape import clip, visible_line

from . import archive, git, merging, mirror, remote
from .attempts import Patience
from .remote import MissingRefError

_SUBMODULE = "160000"
_NAMED_FILES = 5
# Git is asked for another user's repository only here, where it runs nothing of it.
_UPLOAD_PACK = "git -c 'safe.directory=*' upload-pack"


@dataclass(frozen=True)
class Taken:
    """A checkout's commit, in the mirror: HEAD's, or that of its files when they differ."""

    url: str
    ref: str
    commit: str
    is_dirty: bool


def take(repository: Path, path: Path, patience: Patience, allow_dirty: bool) -> Taken:
    """Bring what a checkout has into the mirror `repository`.

    Files that are not committed, those not ignored included, become a commit on top of
    HEAD where `allow_dirty`; the same files make the same commit. Raises
    ConfigurationError where it is no checkout, or has such files otherwise.
    """
    path = path.expanduser().absolute()
    git_directory = _git_directory(path)
    with mirror.incoming(repository) as incoming:
        head = _fetch_head(incoming, path, patience)
        commit = _commit(incoming, path, git_directory, head)
        if commit != head and not allow_dirty:
            raise _is_dirty(incoming, path, head, commit)
        mirror.adopt(repository, incoming, commit)
    return Taken(str(path), _branch(git_directory), commit, commit != head)


def _git_directory(path: Path) -> Path:
    """Return where the checkout's repository is: `.git`, or what a file of that name says."""
    if not path.is_dir():
        raise ConfigurationError(f"The checkout '{_shown(path)}' is not a directory.")
    entry = path / ".git"
    if entry.is_dir():
        return entry
    if not entry.is_file():
        raise ConfigurationError(
            f"'{_shown(path)}' is no checkout of git, for it has no '.git'; name its top "
            "directory, or write 'file://PATH@REF' for a repository without files."
        )
    # Of a working tree that git-worktree(1) made.
    return path / entry.read_text(errors="replace").removeprefix("gitdir:").strip()


def _branch(git_directory: Path) -> str:
    content = (git_directory / "HEAD").read_text(errors="replace").strip()
    return content.removeprefix("ref: ") if content.startswith("ref: refs/") else remote.HEAD


def _fetch_head(incoming: Path, path: Path, patience: Patience) -> str:
    once = replace(patience, waits=())
    options = (f"--upload-pack={_UPLOAD_PACK}", "--no-tags")
    try:
        return remote.bring(incoming, str(path), remote.HEAD, once, *options)
    except MissingRefError as error:
        raise ConfigurationError(f"The checkout '{_shown(path)}' has no commit yet.") from error


def _commit(incoming: Path, path: Path, git_directory: Path, head: str) -> str:
    """Return `head`, or a commit on top of it for files that are not as it has them."""
    _borrow_ignored(incoming, git_directory)
    tree = _tree(incoming, path, git_directory)
    if tree == merging.tree(incoming, head):
        return head
    return merging.write(incoming, tree, (head,), (head,), "Files that are not committed\n")


def _borrow_ignored(incoming: Path, git_directory: Path) -> None:
    """Have ignored what the checkout and its user ignore, besides its `.gitignore` files."""
    common = git_directory / "commondir"
    shared = git_directory / common.read_text().strip() if common.is_file() else git_directory
    files = [shared / "info/exclude", git.ignored_by_user()]
    (incoming / "info").mkdir(exist_ok=True)
    content = b"\n".join(file.read_bytes() for file in files if file.is_file())
    (incoming / "info/exclude").write_bytes(content)


def _tree(incoming: Path, path: Path, git_directory: Path) -> str:
    """Return the tree of the checkout's files: all that are tracked or not ignored."""
    listed = {
        "GIT_WORK_TREE": str(path),
        "GIT_INDEX_FILE": str(_copied_index(incoming, git_directory)),
    }
    tracked = _records(incoming, listed, "--stage")
    others = _records(incoming, listed, "--others", "--exclude-standard")
    submodules = [record for record in tracked if record.startswith(_SUBMODULE)]
    files = _files(path, [*(record.partition("\t")[2] for record in tracked), *others])
    _check_size(path, files)
    made = {**listed, "GIT_INDEX_FILE": str(incoming / "made")}
    for options, entries in (("--index-info", submodules), ("--stdin", files)):
        git.read(
            incoming,
            *("update-index", "-z", "--add", options),
            content=b"".join(os.fsencode(entry) + b"\0" for entry in entries),
            variables=made,
        )
    return git.read(incoming, "write-tree", variables=made)


def _copied_index(incoming: Path, git_directory: Path) -> Path:
    """Copy the index, for git would write it anew where it is."""
    for file in (*git_directory.glob("sharedindex.*"), git_directory / "index"):
        if file.is_file():
            shutil.copyfile(file, incoming / file.name)
    return incoming / "index"


def _records(incoming: Path, variables: Mapping[str, str], *options: str) -> list[str]:
    listed = git.read(incoming, "ls-files", "-z", *options, variables=variables)
    return [record for record in listed.split("\0") if record]


def _files(path: Path, names: Sequence[str]) -> list[str]:
    """Return the names that are files or links now, and lie in the checkout itself."""
    root = path.resolve()
    inside = {
        parent
        for parent in {os.path.dirname(name) for name in names}
        if (root / parent).resolve() == root / parent
    }
    return [
        name
        for name in dict.fromkeys(names)
        if os.path.dirname(name) in inside and _is_file(root / name)
    ]


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _check_size(path: Path, files: Sequence[str]) -> None:
    total = sum((path / name).lstat().st_size for name in files)
    if total > archive.TREE_BYTES or len(files) > archive.TREE_FILES:
        raise ConfigurationError(
            f"The checkout '{_shown(path)}' has {total >> 20} MiB in {len(files)} files that are "
            f"not ignored; osci takes {archive.TREE_BYTES >> 20} MiB in {archive.TREE_FILES} "
            "files at most."
        )


def _is_dirty(incoming: Path, path: Path, head: str, commit: str) -> ConfigurationError:
    changed = git.read(incoming, "diff", "--name-only", "-z", head, commit).split("\0")[:-1]
    named = ", ".join(f"'{clip(visible_line(name), 100)}'" for name in changed[:_NAMED_FILES])
    more = f" and {len(changed) - _NAMED_FILES} more" if len(changed) > _NAMED_FILES else ""
    return ConfigurationError(
        f"The checkout '{_shown(path)}' has changes that are not committed: {named}{more}. "
        "Commit them, or take them along with --allow-dirty."
    )


def _shown(path: Path) -> str:
    return visible_line(str(path))
