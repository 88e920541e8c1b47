# SPDX-License-Identifier: Apache-2.0
"""Make Bazaar branches, commit by commit: `python -m launchpad.branches DIRECTORY < COMMITS`.

A commit is a JSON object; all but `branch` is optional:

    branch      where it goes, `~bob/nova/spiffy`; made if it is not there,
    base        from this branch, or empty
    merge       a branch that is merged first
    files       what files have then, by path; null removes one
    links       targets of symbolic links, by path
    executable  paths of files that are to be so
    moves       pairs of paths, each moved to the other
    message, committer, author, revision, seconds, offset     of the commit
"""

import json
import sys
from pathlib import Path

import breezy
import breezy.bzr
from breezy import ui
from breezy.controldir import ControlDir, format_registry
from breezy.workingtree import WorkingTree

# Of the first commit; each further one is a minute later.
START = 1_300_000_000
BZR = format_registry.make_controldir("2a")


def main(directory: Path, commits: list[dict]) -> None:
    breezy.initialize(setup_ui=False)
    ui.ui_factory = ui.SilentUIFactory()
    for number, given in enumerate(commits):
        commit = {"seconds": START + 60 * number, **given}
        tree = _tree(directory, commit["branch"], commit.get("base"))
        with tree.lock_write():
            _change(tree, directory, commit)
            _commit(tree, commit)


def _tree(directory: Path, name: str, base: str | None) -> WorkingTree:
    path = directory / name
    if path.is_dir():
        return WorkingTree.open(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if base:
        origin = ControlDir.open(str(directory / base))
        return origin.sprout(str(path)).open_workingtree()
    return ControlDir.create_standalone_workingtree(str(path), BZR)


def _change(tree: WorkingTree, directory: Path, commit: dict) -> None:
    top = Path(tree.basedir)
    if "merge" in commit:
        conflicts = tree.merge_from_branch(
            WorkingTree.open(str(directory / commit["merge"])).branch
        )
        assert not conflicts, conflicts
    for source, target in commit.get("moves", ()):
        tree.rename_one(source, target)
    for path, text in commit.get("files", {}).items():
        if text is None:
            tree.remove([path], force=True, keep_files=False)
            continue
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    for path, target in commit.get("links", {}).items():
        (top / path).symlink_to(target)
    for path in commit.get("executable", ()):
        (top / path).chmod(0o755)
    tree.smart_add([tree.basedir])


def _commit(tree: WorkingTree, commit: dict) -> None:
    revision = commit.get("revision")
    tree.commit(
        message=commit.get("message", "Change something"),
        committer=commit.get("committer"),
        authors=[commit["author"]] if "author" in commit else None,
        timestamp=commit["seconds"],
        timezone=commit.get("offset", 0),
        rev_id=revision.encode() if revision else None,
        allow_pointless=True,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin))
