# SPDX-License-Identifier: Apache-2.0
"""How a proposed commit meets trunk, in a bare mirror: nothing is checked out.

The same commits give the same merge wherever it is made: its identity is fixed and its
date is the newest of the commits that meet.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.results.escape import clip, visible_line

from . import git
from .model import Change

IDENTITY = "osci <osci@localhost>"
# A branch with more than that is merged by who wants it.
_REPLAYED_COMMITS = 500
# Git reads dates up to the year 2099 in all its commands.
_LAST_SECONDS = 4_000_000_000
_NAMED_FILES = 5
_NAMED_COMMITS = 3
_NUMBERS = {
    "files": re.compile(r"(\d+) files? changed"),
    "insertions": re.compile(r"(\d+) insertion"),
    "deletions": re.compile(r"(\d+) deletion"),
}


@dataclass(frozen=True)
class Met:
    """What came of a meeting; `base` is where the two parted, "" where they never met."""

    base: str
    merged: str
    tree: str


@dataclass(frozen=True)
class _Commit:
    """The parts of a commit as git stores them."""

    tree: str
    parents: tuple[str, ...]
    author: bytes
    encoding: bytes
    message: bytes


def meet(mirror: Path, method: str, proposed: str, trunk: str) -> Met:
    """Return the commit in which `proposed` has met `trunk`, made in the mirror if need be.

    `method` is one of METHODS; as it is, `trunk` may be "". A proposed commit that trunk
    leads to is its own merge, and trunk is where it has the proposed one already. Raises
    SourceError on a conflict, and where the two have no history in common.
    """
    base = _base(mirror, proposed, trunk) if trunk else ""
    if method == "as-is":
        merged = proposed
    elif not base:
        raise SourceError(
            f"{name(mirror, proposed)} and {name(mirror, trunk)} of trunk have no history in "
            "common, so it cannot be merged; is it the repository of another project?"
        )
    elif base in (proposed, trunk):
        merged = trunk if base == proposed else proposed
    elif method == "merge":
        merged = _merge(mirror, proposed, trunk, base)
    else:
        merged = _rebase(mirror, proposed, trunk, base)
    return Met(base, merged, tree(mirror, merged))


def tree(mirror: Path, commit: str) -> str:
    """Return the id of a commit's tree."""
    return git.read(mirror, "rev-parse", "--verify", f"{commit}^{{tree}}")


def change(mirror: Path, before: str, after: str) -> Change:
    """Return how much a commit differs from another."""
    stat = git.read(mirror, "diff", "--shortstat", "--no-ext-diff", "--no-textconv", before, after)
    found = {key: pattern.search(stat) for key, pattern in _NUMBERS.items()}
    return Change(**{key: int(match[1]) if match else 0 for key, match in found.items()})


def name(mirror: Path, commit: str) -> str:
    """Return a commit as people know it: the short id and the subject."""
    return _names(git.read(mirror, "log", "--no-walk", "--format=%H %s", commit))


def author(mirror: Path, commit: str) -> str:
    """Return the address of who wrote a commit, as a stranger wrote it; "" for none."""
    return visible_line(git.read(mirror, "log", "--no-walk", "--format=%ae", commit))


def write(
    mirror: Path, tree: str, parents: Sequence[str], dated: Sequence[str], message: str
) -> str:
    """Write a commit of osci's own, as old as the newest of the commits `dated`."""
    who = f"{IDENTITY} {_newest(mirror, dated)} +0000".encode()
    return _write(mirror, _Commit(tree, tuple(parents), who, b"", message.encode()), who)


def _base(mirror: Path, proposed: str, trunk: str) -> str:
    answer = git.run(mirror, "merge-base", trunk, proposed)
    if answer.code > 1:
        raise InfrastructureError(f"'git merge-base' failed in '{mirror}': {answer.line}")
    return answer.text


def _merge(mirror: Path, proposed: str, trunk: str, base: str) -> str:
    answer = _merge_tree(mirror, trunk, proposed)
    if answer.code:
        raise _conflict(mirror, answer, (proposed, trunk, base), "merged into")
    message = f"Merge commit '{proposed}'\n"
    return write(mirror, _merged_tree(answer), (trunk, proposed), (trunk, proposed), message)


def _rebase(mirror: Path, proposed: str, trunk: str, base: str) -> str:
    """Replay each commit on trunk, as git-rebase(1) does: no merges, nothing trunk has."""
    listed = git.read(
        mirror,
        *("rev-list", "--reverse", "--topo-order", "--no-merges", "--cherry-pick", "--right-only"),
        f"{trunk}...{proposed}",
    ).split()
    if len(listed) > _REPLAYED_COMMITS:
        raise SourceError(
            f"{name(mirror, proposed)} is {len(listed)} commits from trunk, more than the "
            f"{_REPLAYED_COMMITS} that are rebased; let it be merged."
        )
    committer = f"{IDENTITY} {_newest(mirror, (trunk, proposed))} +0000".encode()
    tip = trunk
    for commit in listed:
        tip = _replay(mirror, commit, tip, (proposed, trunk, base), committer)
    return tip


def _replay(
    mirror: Path, commit: str, tip: str, met: tuple[str, str, str], committer: bytes
) -> str:
    """Put one commit on top of `tip`; the one that changes nothing there is left out."""
    picked = _read(mirror, commit)
    before = tree(mirror, picked.parents[0]) if picked.parents else _empty_tree(mirror)
    # Git 2.39 takes the merge base from history only, so there is a history for it: a
    # base from which what is there and what is picked part.
    base = _write(mirror, _Commit(before, (), committer, b"", b""), committer)
    ours, theirs = (
        _write(mirror, _Commit(one, (base,), committer, b"", b""), committer)
        for one in (tree(mirror, tip), picked.tree)
    )
    answer = _merge_tree(mirror, ours, theirs)
    if answer.code:
        raise _conflict(mirror, answer, (commit, *met[1:]), "rebased onto")
    after = _merged_tree(answer)
    if after == tree(mirror, tip) and picked.tree != before:
        return tip
    return _write(
        mirror,
        _Commit(after, (tip,), picked.author, picked.encoding, picked.message),
        committer,
    )


def _merge_tree(mirror: Path, ours: str, theirs: str) -> git.Answer:
    answer = git.run(
        mirror, "merge-tree", "--write-tree", "-z", "--name-only", "--messages", ours, theirs
    )
    if answer.code > 1:
        raise InfrastructureError(
            f"'git merge-tree' failed in '{mirror}': {answer.line}", line=answer.line
        )
    return answer


def _merged_tree(answer: git.Answer) -> str:
    return answer.text.partition("\0")[0]


def _conflict(
    mirror: Path, answer: git.Answer, met: tuple[str, str, str], becomes: str
) -> SourceError:
    """Return the error for a merge that conflicts; `met` is proposed, trunk and their base."""
    proposed, trunk, base = met
    files, lines = _conflicts(answer)
    named = ", ".join(f"'{clip(visible_line(file), 100)}'" for file in files[:_NAMED_FILES])
    more = f" and {len(files) - _NAMED_FILES} more" if len(files) > _NAMED_FILES else ""
    sentences = [
        f"{name(mirror, proposed)} cannot be {becomes} {name(mirror, trunk)} of trunk: "
        f"they conflict in {named}{more}.",
        _touched(mirror, "Trunk", f"{base}..{trunk}", files),
        _touched(mirror, "The branch", f"{base}..{proposed}", files),
    ]
    return SourceError(" ".join(filter(None, sentences)), line=lines[0] if lines else "")


def _conflicts(answer: git.Answer) -> tuple[list[str], list[str]]:
    """Return the files in conflict and git's lines that tell of conflicts.

    By git-merge-tree(1): the tree, the files, an empty one, and messages of which each has
    a number, that many files, a kind and a text.
    """
    _, *records = answer.text.split("\0")
    end = records.index("")
    files, messages = records[:end], records[end + 1 :]
    lines = [visible_line(text.strip()) for text in messages if text.startswith("CONFLICT (")]
    return list(dict.fromkeys(files)), [line for line in lines if ":" in line]


def _touched(mirror: Path, side: str, commits: str, files: Sequence[str]) -> str:
    listed = git.read(
        mirror,
        *("log", "--no-merges", f"--max-count={_NAMED_COMMITS + 1}", "--format=%H %s", commits),
        # The files are names here, no patterns.
        *("--", *(f":(top,literal){file}" for file in files[:_NAMED_FILES])),
    )
    if not listed:
        return ""
    names = [_names(line) for line in listed.split("\n")]
    more = " and others" if len(names) > _NAMED_COMMITS else ""
    return f"{side} changed this in {', '.join(names[:_NAMED_COMMITS])}{more}."


def _names(line: str) -> str:
    commit, _, subject = line.partition(" ")
    return f"{commit[:10]} ('{clip(visible_line(subject), 72)}')"


def _newest(mirror: Path, commits: Sequence[str]) -> int:
    dates = git.read(mirror, "log", "--no-walk", "--format=%ct", *commits).split()
    return min(max(map(int, dates), default=0), _LAST_SECONDS)


def _empty_tree(mirror: Path) -> str:
    return git.read(mirror, "mktree")


def _read(mirror: Path, commit: str) -> _Commit:
    content = git.run(mirror, "cat-file", "commit", commit).output
    head, _, message = content.partition(b"\n\n")
    fields = [line.partition(b" ") for line in head.split(b"\n")]
    first = {key: value for key, _, value in reversed(fields)}
    return _Commit(
        tree=first[b"tree"].decode(),
        parents=tuple(value.decode() for key, _, value in fields if key == b"parent"),
        author=first[b"author"],
        encoding=first.get(b"encoding", b""),
        message=message,
    )


def _write(mirror: Path, commit: _Commit, committer: bytes) -> str:
    lines = [
        b"tree " + commit.tree.encode(),
        *(b"parent " + parent.encode() for parent in commit.parents),
        b"author " + commit.author,
        b"committer " + committer,
        *([b"encoding " + commit.encoding] if commit.encoding else []),
    ]
    content = b"\n".join(lines) + b"\n\n" + commit.message
    return git.read(mirror, "hash-object", "-t", "commit", "-w", "--stdin", content=content)
