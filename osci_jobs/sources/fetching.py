# SPDX-License-Identifier: Apache-2.0
"""From a source as it was asked for to the commit that is tested."""

from dataclasses import dataclass, replace
from pathlib import Path

from osci_jobs.deployment.model import Source
from osci_jobs.deployment.notation import is_commit
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import InfrastructureError, SourceError

from . import archive, checkout, merging, mirror, package, version
from .attempts import Patience
from .model import Fetched, Place


@dataclass(frozen=True)
class _Proposed:
    """What was proposed, in the mirror."""

    url: str
    ref: str
    commit: str
    is_dirty: bool = False


@dataclass(frozen=True)
class _Trunk:
    """What it is proposed for; `commit` is "" where trunk could not be had."""

    url: str
    ref: str
    commit: str = ""


def fetch(
    cache: Path,
    source: Source,
    project: Project,
    place: Place | None,
    patience: Patience,
    allow_dirty: bool = False,
) -> Fetched:
    """Return a source whose code is in the project's mirror, merged with trunk as it asks.

    `place` is what a server said of a change or a branch, None for what git alone finds.
    Raises ConfigurationError for a checkout that cannot be used, SourceError for a ref
    that is not there, a conflict or another project's code, and InfrastructureError when
    a server did not answer. Safe to repeat: commits that the mirror has are not fetched
    again.
    """
    if source.kind == "release":
        return Fetched(project.name, source.kind, source.text, ref=source.ref)
    with mirror.claimed(cache, project.name) as repository:
        proposed = _propose(repository, source, place, patience, allow_dirty)
        # Before anything looks into it: a few trees can stand for millions of files.
        archive.check(repository, proposed.commit)
        trunk = _find_trunk(repository, source, project, place, patience)
        met = merging.meet(repository, source.method, proposed.commit, trunk.commit)
        mirror.keep(repository, met.merged)
        package.check(repository, met.merged, project)
        return _described(repository, source, place, proposed, trunk, met)


def _propose(
    repository: Path, source: Source, place: Place | None, patience: Patience, allow_dirty: bool
) -> _Proposed:
    if source.kind == "checkout":
        taken = checkout.take(repository, Path(source.url), patience, allow_dirty)
        return _Proposed(taken.url, taken.ref, taken.commit, taken.is_dirty)
    url, ref = (place.url, place.ref) if place else (source.url, source.ref)
    wanted = place.commit if place and place.commit else ref
    found = mirror.fetch(repository, url, wanted, patience)
    return _Proposed(url, found.ref if wanted == ref else ref, found.commit)


def _find_trunk(
    repository: Path, source: Source, project: Project, place: Place | None, patience: Patience
) -> _Trunk:
    """Fetch trunk. As it is, a source does not need it: it is then waited for once."""
    trunk = _trunk(source, project, place)
    if source.method == "as-is":
        patience = replace(patience, waits=())
    try:
        found = mirror.fetch(repository, trunk.url, trunk.ref, patience, with_tags=True)
    except (InfrastructureError, SourceError) as error:
        if source.method != "as-is" or source.trunk_url or source.trunk_ref:
            raise
        patience.say(f"'{project.name}' is not compared with trunk. {error}")
        return trunk
    return _Trunk(trunk.url, found.ref, found.commit)


def _trunk(source: Source, project: Project, place: Place | None) -> _Trunk:
    """Return where trunk is: as was asked for, else as the server says, else the project's."""
    if source.trunk_url:
        return _Trunk(source.trunk_url, source.trunk_ref)
    url = (place and place.trunk_url) or project.url
    branch = (place and place.trunk_branch) or project.branch
    return _Trunk(url, source.trunk_ref or _full(branch))


def _full(branch: str) -> str:
    """Return the ref of a branch; of one of Bazaar there is a commit in the mirror instead."""
    if branch.startswith("refs/") or is_commit(branch):
        return branch
    return f"refs/heads/{branch}"


def _described(
    repository: Path,
    source: Source,
    place: Place | None,
    proposed: _Proposed,
    trunk: _Trunk,
    met: merging.Met,
) -> Fetched:
    before = met.base if source.method == "as-is" else trunk.commit
    tag, distance = version.follow(repository, met.merged, mirror.tags(trunk.url))
    return Fetched(
        project=source.project,
        kind=source.kind,
        text=source.text,
        url=proposed.url,
        ref=proposed.ref,
        method=source.method,
        proposed=proposed.commit,
        trunk_url=trunk.url,
        trunk_ref=trunk.ref,
        # As it is, a trunk that it has nothing to do with is none.
        trunk=trunk.commit if met.base else "",
        base=met.base,
        merged=met.merged,
        tree=met.tree,
        change=merging.change(repository, before, met.merged) if before else None,
        tag=tag,
        distance=distance,
        author=merging.author(repository, proposed.commit),
        is_dirty=proposed.is_dirty,
        details=place.details if place else {},
    )
