# SPDX-License-Identifier: Apache-2.0
"""Bring Bazaar branches as commits into a git repository; a program of its own.

`bazaar.bring` starts it, so that it can be ended and limited whatever a branch does to
it. The order is a JSON object on the command line; what comes of it is one in the file
`answer` of the order: the tips, or the trouble. Lines on standard output are signs of life.

The same revision becomes the same commit wherever this runs: a commit is made of what
its revision says, of its tree and its parents' commits, and of nothing else.
"""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import breezy
from breezy import config, errors, ui, urlutils
from breezy.branch import UnstackableBranchFormat
from breezy.bzr import BzrProber, RemoteBzrProber
from breezy.controldir import ControlDir, format_registry
from breezy.revision import NULL_REVISION
from breezy.url_policy_open import (
    BadUrl,
    BranchLoopError,
    BranchOpener,
    BranchReferenceForbidden,
    SingleSchemePolicy,
)

from osci_jobs.sources import stream

# What a branch packs into little may be without an end when it is unpacked.
_MEMORY_BYTES = 4 << 30
_FILE_BYTES = 4 << 30
_COMPLAINT_BYTES = 500
_REFUSED = (401, 403, 410)
_REF = "refs/bazaar/tip"
_CHUNK = 100
# How many branches may lie below each other; of Launchpad's it is one.
_STACKED = 10
_MODES = {("file", False): "100644", ("file", True): "100755", ("symlink", False): "120000"}
_AWAY = (
    OSError,
    errors.ConnectionError,
    errors.ConnectionReset,
    errors.InvalidHttpResponse,
    errors.SmartProtocolError,
    errors.UnexpectedSmartServerResponse,
)


class GitError(Exception):
    """What git said when it gave up."""


_TROUBLES: Mapping[type[Exception], str] = {
    errors.NotBranchError: "missing",
    **dict.fromkeys((BadUrl, BranchLoopError, BranchReferenceForbidden), "forbidden"),
    **dict.fromkeys(_AWAY, "away"),
    errors.PermissionDenied: "refused",
    GitError: "git",
}


def main(text: str) -> None:
    """Do what the order says and leave the answer."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    breezy.initialize(setup_ui=False)
    ui.ui_factory = _Life()
    if authorities := os.environ.get("SSL_CERT_FILE"):
        config.GlobalStack().set("ssl.ca_certs", authorities)
    order = json.loads(text)
    Path(order["answer"]).write_text(json.dumps(_brought(order)))


def _brought(order: Mapping[str, Any]) -> dict[str, Any]:
    """Bring trunk into the order's `store`, which stays, and the branch beside it.

    The name of a revision is chosen by who makes it. So nothing that a branch brings is
    kept, or has a say in what trunk is: it may bear the name of another one's revision.
    """
    git = _Git(Path(order["git"]))
    url = order["trunk"]
    try:
        store = _repository(Path(order["store"]))
        tip = _Tip(url, store)
        trunk = _converted(store, tip, git, order["newest"])
        url = order["branch"]
        aside = _repository(Path(order["aside"]))
        aside.add_fallback_repository(store)
        tip = _Tip(url, aside)
        commit = _converted(aside, tip, git, trunk)
    # Whatever a branch makes breezy raise is the branch's doing.
    except Exception as error:
        return {"trouble": _trouble(error), "url": url, "text": _told(error)}
    return {"commit": commit, "revision": tip.id.decode(), "revno": tip.number, "trunk": trunk}


def _trouble(error: Exception) -> str:
    """Return what `bazaar` calls an error."""
    if isinstance(error, errors.UnexpectedHttpStatus) and error.code in _REFUSED:
        return "refused"
    return next((name for kind, name in _TROUBLES.items() if isinstance(error, kind)), "broken")


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, errors.BzrError | GitError) else repr(error)


def _repository(path: Path) -> Any:
    """Return the repository at a path, made where there is none.

    A lock that is held in it is that of a process which was ended: `bazaar` lets in one
    at a time.
    """
    for lock in path.glob(".bzr/*/lock/held"):
        shutil.rmtree(lock)
    if path.is_dir():
        return ControlDir.open(str(path)).open_repository()
    path.mkdir(parents=True)
    return format_registry.make_controldir("2a").initialize(str(path)).create_repository()


class _SameServer(SingleSchemePolicy):
    """A branch may lie on others of its own server, never on this machine's or a third one's."""

    def __init__(self, url: str):
        self._server = urlsplit(url)[:2]
        super().__init__(self._server[0])

    def check_one_url(self, url: str) -> None:
        if urlsplit(url)[:2] != self._server:
            raise BadUrl(url)


def _opened(url: str, above: tuple[str, ...] = ()) -> Any:
    """Return the branch at a URL together with the branches that it is stacked on.

    They are opened here, for of a smart server's branch breezy opens them wherever they
    are and asks no policy.
    """
    if url in above or len(above) == _STACKED:
        raise BranchLoopError()
    policy = _SameServer(above[0] if above else url)
    branch = BranchOpener(policy, [RemoteBzrProber, BzrProber]).open(url, ignore_fallbacks=True)
    try:
        below = urlutils.join(branch.base, branch.get_stacked_on_url())
    except (errors.NotStacked, UnstackableBranchFormat, errors.UnstackableRepositoryFormat):
        return branch
    policy.check_one_url(below)
    branch.repository.add_fallback_repository(_opened(below, (*above, url)).repository)
    return branch


class _Tip:
    """The newest revision of a branch; all that it is made of is in the repository then."""

    def __init__(self, url: str, repository: Any):
        branch = _opened(url)
        with branch.lock_read():
            self.number, self.id = branch.last_revision_info()
            if self.id == NULL_REVISION:
                raise errors.NotBranchError(url, detail="it has no revision")
            repository.fetch(branch.repository, revision_id=self.id)


def _converted(repository: Any, tip: _Tip, git: "_Git", newest: str) -> str:
    """Return the commit of a tip, made where git does not have it.

    `newest` is a commit; the revisions that lead to it are not made again.
    """
    known = git.known(newest)
    with repository.lock_read():
        ids = [id for id in _ancestry(repository, tip.id) if id not in known]
        commits = known | {id: f":{mark}" for mark, id in enumerate(ids, 1)}
        with git.importing() as write:
            for at in range(0, len(ids), _CHUNK):
                chunk = _iter_commits(repository, ids[at : at + _CHUNK], commits)
                for mark, commit in enumerate(chunk, at + 1):
                    write(stream.iter_commit(commit, mark, _REF))
                    _Life.sign(f"{mark} of {len(ids)} revisions")
            write([stream.pointer(_REF, commits[tip.id])])
    git.check()
    return git.read("rev-parse", _REF).strip()


def _ancestry(repository: Any, tip: bytes) -> list[bytes]:
    """Return a revision and all before it, parents first.

    Revisions that are named as parents and are nowhere ("ghosts") are left out.
    """
    graph = repository.get_graph()
    there = [id for id, parents in graph.iter_ancestry([tip]) if parents is not None]
    return [id for id in graph.iter_topo_order(there) if id != NULL_REVISION]


class _Life(ui.SilentUIFactory):
    """Says at most once a second that something comes or goes on; asks nobody anything."""

    _said = 0.0

    def report_transport_activity(self, transport: Any, byte_count: int, direction: str) -> None:
        self.sign(f"{byte_count} bytes ({direction})")

    def _progress_updated(self, task: Any) -> None:
        self.sign(str(task.msg))

    @classmethod
    def sign(cls, text: str) -> None:
        """Print a line, unless there was one just now."""
        now = time.monotonic()
        if now >= cls._said + 1:
            cls._said = now
            print(ascii(text), flush=True)


class _Git:
    """The repository that commits go into; what was in it stays as it is."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._packs = self._all_packs()

    def read(self, *words: str) -> str:
        """Return what a command says; raises GitError with its first complaint."""
        done = subprocess.run(
            ["git", *words], cwd=self._directory, capture_output=True, check=False
        )
        if done.returncode:
            raise GitError(_first_line(done.stderr))
        return done.stdout.decode("utf-8", "replace")

    def known(self, newest: str) -> dict[bytes, str]:
        """Return the commit of each revision that leads to a commit, none if it is not there."""
        if not newest:
            return {}
        try:
            log = self.read("log", "-z", "--format=%H%n%B", newest, "--")
        except GitError:
            return {}
        pairs = (record.partition("\n") for record in log.split("\0") if record)
        return {stream.revision_of(text).encode(): commit for commit, _, text in pairs}

    @contextlib.contextmanager
    def importing(self) -> Iterator[Callable[[Iterable[bytes]], None]]:
        """Yield a function that hands commands to git fast-import."""
        words = ["git", "-c", "fastimport.unpackLimit=1", "fast-import", "--force", "--quiet"]
        with tempfile.TemporaryFile() as log:
            child = subprocess.Popen(words, cwd=self._directory, stdin=subprocess.PIPE, stderr=log)
            assert child.stdin
            with contextlib.suppress(BrokenPipeError):
                with child.stdin as pipe:
                    yield pipe.writelines
            if child.wait():
                log.seek(0)
                raise GitError(_first_line(log.read(_COMPLAINT_BYTES)))

    def check(self) -> None:
        """Let git look at all that was made: a tree may have '.git' or '..' in it."""
        for pack in self._all_packs() - self._packs:
            again = pack.with_suffix(".again")
            self.read("index-pack", "--strict", "-o", str(again), str(pack))
            again.unlink()

    def _all_packs(self) -> set[Path]:
        return set(self._directory.glob("objects/pack/*.pack"))


def _first_line(complaint: bytes) -> str:
    return complaint[:_COMPLAINT_BYTES].decode("utf-8", "replace").strip().partition("\n")[0]


def _iter_commits(
    repository: Any, ids: Sequence[bytes], commits: Mapping[bytes, str]
) -> Iterator[stream.Commit]:
    """Yield the revisions as commits; `commits` has the mark or the id of each."""
    revisions = repository.get_revisions(ids)
    parents = {one.revision_id: [id for id in one.parent_ids if id in commits] for one in revisions}
    bases = {found[0] for found in parents.values() if found}
    trees = {tree.get_revision_id(): tree for tree in repository.revision_trees({*ids, *bases})}
    empty = repository.revision_tree(NULL_REVISION)
    for one in revisions:
        before = parents[one.revision_id]
        is_whole, removed, files = _changes(
            trees[before[0]] if before else empty, trees[one.revision_id]
        )
        yield stream.Commit(
            revision=one.revision_id.decode(),
            author=(one.get_apparent_authors() or [one.committer])[0],
            committer=one.committer,
            seconds=one.timestamp,
            offset_seconds=one.timezone or 0,
            message=one.message,
            parents=tuple(commits[id] for id in before),
            is_whole=is_whole,
            removed=removed,
            files=files,
        )


def _changes(old: Any, new: Any) -> tuple[bool, tuple[str, ...], Iterator[stream.File]]:
    """Return whether the tree is written anew, else what goes first; and the files that come.

    Of a directory that moves, what is in it is not listed, so then all files are written.
    """
    changes = list(new.iter_changes(old))
    if any(one.kind == ("directory", "directory") and one.renamed for one in changes):
        whole = ((path, one.kind, one.executable) for path, one in new.iter_entries_by_dir())
        return True, (), _iter_files(new, whole)
    removed = (one.path[0] for one in changes if one.kind[0] not in (None, "directory"))
    come = ((one.path[1], one.kind[1], one.executable[1]) for one in changes if one.path[1])
    return False, tuple(removed), _iter_files(new, come)


def _iter_files(tree: Any, entries: Iterable[tuple[str, str, bool]]) -> Iterator[stream.File]:
    for path, kind, is_executable in entries:
        if kind == "symlink":
            content = tree.get_symlink_target(path).encode("utf-8", "surrogateescape")
        elif kind == "file":
            content = tree.get_file_text(path)
        else:
            continue  # a directory, or a tree of another branch, for which git has no place
        yield stream.File(path, _MODES[kind, bool(is_executable)], content)


if __name__ == "__main__":
    main(sys.argv[1])
