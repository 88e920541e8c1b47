# SPDX-License-Identifier: Apache-2.0
"""The bare repository of a project in the cache, which all its sources share.

What comes from a server goes into a repository beside it first, and moves once git has
checked it whole; a commit counts only when a ref of the mirror reaches it. So neither a
fetch that broke off nor a server that lies leaves anything that is used. A mirror's refs
have names of its own, never those of a server: `refs/osci/kept/<commit>` for each commit
that was used, which a force-push therefore does not lose, and
`refs/osci/tags/<digest of the URL>/<version>`.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import cache as entries
from osci_jobs.deployment.notation import is_branch, is_commit, is_git_url
from osci_jobs.errors import ConfigurationError, SourceError

from . import git, remote, version
from .attempts import Patience
from .remote import MissingRefError

KEPT = "refs/osci/kept"
_TAGS = "refs/osci/tags"
_INCOMING = "incoming"
# Each fetch leaves a pack, and git looks through all of them for an object.
_PACKS = 20
# A tree is exported as it is: its own attributes leave nothing out and replace nothing.
_ATTRIBUTES = "* -export-ignore -export-subst -text -eol -ident -filter !working-tree-encoding\n"


@dataclass(frozen=True)
class Found:
    """A ref of a server by its full name, and its commit, which the mirror has and keeps."""

    ref: str
    commit: str


@contextlib.contextmanager
def claimed(cache: Path, project: str) -> Iterator[Path]:
    """Hold the lock on a project's mirror; yields the bare repository, made if need be."""
    with entries.claimed(cache / "git" / f"{project}.git") as (mirror, _):
        _clear(mirror)
        _make(mirror)
        yield mirror


def fetch(mirror: Path, url: str, ref: str, patience: Patience, with_tags: bool = False) -> Found:
    """Return what `ref` is on the server of `url`, its commit in the mirror.

    `ref` is a branch, a tag, a full ref, a commit's full id, or "" for the default branch.
    A commit that the mirror has needs no network. `with_tags` brings the versions that
    lead to it. Raises SourceError when the server refuses or has no such ref, and
    InfrastructureError when it does not answer.
    """
    if is_commit(ref) and has(mirror, ref):
        keep(mirror, ref)
        return Found(ref, ref)
    if not is_git_url(url) or (ref and not is_branch(ref)):
        raise ConfigurationError(
            f"'{remote.shown(url)}' with the ref '{remote.shown(ref)}' is no place that git has."
        )
    if is_commit(ref):
        return Found(ref, _commit_by_id(mirror, url, ref, patience, with_tags))
    full, commit = remote.find(mirror, url, ref, patience)
    if commit and not with_tags and has(mirror, commit):
        keep(mirror, commit)
        return Found(full, commit)
    try:
        return Found(full, _brought(mirror, url, full, patience, with_tags))
    except MissingRefError as error:
        there = remote.names(mirror, url, patience)
        raise SourceError(remote.missing(url, full, there), line=error.line) from error


def has(mirror: Path, commit: str) -> bool:
    """Tell whether the mirror has the commit and all that came before it."""
    # Its object alone may be of a move that broke off.
    return _leads_to(mirror, KEPT, commit)


def keep(mirror: Path, commit: str) -> None:
    """Keep a commit, whatever becomes of the branch that it was found on; safe to repeat."""
    git.read(mirror, "update-ref", f"{KEPT}/{commit}", commit)


def tags(url: str) -> str:
    """Return the prefix of the mirror's refs for the versions that the server of `url` has."""
    return f"{_TAGS}/{hashlib.sha256(url.encode()).hexdigest()[:16]}/"


@contextlib.contextmanager
def incoming(mirror: Path) -> Iterator[Path]:
    """Yield a bare repository that has what the mirror has, and goes with what it was given."""
    path = mirror / _INCOMING
    _initialise(path)
    (path / "objects/info/alternates").write_text("../../objects\n")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def adopt(mirror: Path, repository: Path, commit: str) -> None:
    """Move the objects of an `incoming` repository into the mirror, and keep its commit.

    Whoever calls has seen to it that all that the commit needs is there.
    """
    objects = [path for path in (repository / "objects").rglob("*") if path.is_file()]
    # A pack is there for git when its index is.
    for path in sorted(objects, key=lambda path: (path.suffix == ".idx", path)):
        place = mirror / "objects" / path.relative_to(repository / "objects")
        if path.name != "alternates":
            place.parent.mkdir(exist_ok=True)
            path.rename(place)
    keep(mirror, commit)
    _tidy(mirror)


def _make(mirror: Path) -> None:
    """Make what the mirror lacks; safe to repeat, also after one that broke off."""
    attributes = mirror / "info/attributes"
    if not attributes.is_file() or attributes.read_text() != _ATTRIBUTES:
        _initialise(mirror)
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_ATTRIBUTES)


def _initialise(path: Path) -> None:
    path.mkdir(exist_ok=True)
    git.read(path, "init", "--quiet", "--bare", "--template=")


def _clear(mirror: Path) -> None:
    """Remove what a command that was killed left; the lock says that nobody needs it."""
    shutil.rmtree(mirror / _INCOMING, ignore_errors=True)
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/*tmp_*", "objects/pack/.tmp-*"):
        for path in mirror.glob(pattern):
            path.unlink(missing_ok=True)


def _commit_by_id(mirror: Path, url: str, commit: str, patience: Patience, with_tags: bool) -> str:
    try:
        return _brought(mirror, url, commit, patience, with_tags)
    except MissingRefError:
        return _searched(mirror, url, commit, patience)


def _searched(mirror: Path, url: str, commit: str, patience: Patience) -> str:
    """Look for a commit in all branches and tags: some servers hand out nothing else."""
    patience.say(f"Fetching all branches of '{remote.shown(url)}' to look for {commit}.")
    with incoming(mirror) as repository:
        specs = ("+refs/heads/*:refs/osci/heads/*", "+refs/tags/*:refs/osci/tags/*")
        remote.fetch(repository, url, patience, specs, "--no-tags")
        if not _leads_to(repository, "refs/osci", commit):
            raise SourceError(f"'{remote.shown(url)}' does not have the commit {commit}.")
        adopt(mirror, repository, commit)
    return commit


def _leads_to(repository: Path, refs: str, commit: str) -> bool:
    """Tell whether one of the refs leads to a commit; one walk, however many refs there are."""
    answer = git.run(repository, "rev-list", "--max-count=1", commit, "--not", f"--glob={refs}")
    return not answer.code and not answer.output


def _brought(mirror: Path, url: str, ref: str, patience: Patience, with_tags: bool) -> str:
    """Fetch one ref or one commit; return the commit."""
    with incoming(mirror) as repository:
        # Without an option git takes the tags that lead to what it fetches.
        options = () if with_tags else ("--no-tags",)
        commit = remote.bring(repository, url, ref, patience, *options)
        versions = _versions(repository)
        adopt(mirror, repository, commit)
        _keep_versions(mirror, url, versions)
    return commit


def _versions(repository: Path) -> dict[str, str]:
    """Return the tags of a repository whose names are versions."""
    listed = git.read(
        repository, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/tags"
    )
    pairs = (line.rpartition(" ") for line in listed.split("\n"))
    return {name: tag for name, _, tag in pairs if version.key(name)}


def _keep_versions(mirror: Path, url: str, versions: dict[str, str]) -> None:
    lines = [f"update {tags(url)}{name} {tag}\n" for name, tag in sorted(versions.items())]
    git.read(mirror, "update-ref", "--stdin", content="".join(lines).encode())


def _tidy(mirror: Path) -> None:
    if len(list(mirror.glob("objects/pack/*.pack"))) > _PACKS:
        git.read(mirror, "repack", "--geometric=2", "-d", "--quiet")
        git.read(mirror, "pack-refs", "--all")
