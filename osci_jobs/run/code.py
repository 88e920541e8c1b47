# SPDX-License-Identifier: Apache-2.0
"""The code under test: from the sources of an order to commits in their mirrors."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from osci_jobs.deployment import Source
from osci_jobs.errors import SourceError
from osci_jobs.groups import Group, Ledger, building, numbering
from osci_jobs.groups.workshop import Part, Workshop
from osci_jobs.reports.amounts import number
from osci_jobs.results import runlog
from osci_jobs.results.event import EVENTS
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import provenance
from osci_jobs.run.order import Order
from osci_jobs.run.play import Say
from osci_jobs.sources import archive, bazaar, fetching, gerrit, mirror
from osci_jobs.sources.attempts import QUESTION_SECONDS, Patience
from osci_jobs.sources.model import Fetched, Place

# How the group remembers what it was made from, for runs on it.
_EVENTS = ("pinned", "source", "provenance")


def fetch(order: Order, log: RunLog, say: Say) -> list[Fetched]:
    """Fetch the sources of the order, merge each with its trunk, and tell the run log.

    Raises as `fetching.fetch` does.
    """
    pins = provenance.pins(order.projects)
    log.append("pinned", versions=pins)
    patience = Patience(order.limits["fetch"].silence_seconds, say)
    found = []
    for source in order.sources:
        say(f"Fetching the source of {source.project}: {source.text}")
        fetched = _fetch(order, source, patience)
        facts = _facts(fetched, _version(fetched, pins))
        log.append("source", project=source.project, source=facts)
        say(_sentence(fetched))
        found.append(fetched)
    return found


def parts(order: Order, fetched: Iterable[Fetched]) -> list[Part]:
    """Return what is to be installed of the sources of an order."""
    pins = provenance.pins(order.projects)
    return [_part(order, one, _version(one, pins)) for one in fetched]


def at_commit(fetched: Fetched, commit: str) -> Source:
    """Return a commit that a fetch brought, merged or of trunk, as a source of its own.

    It needs no server, whatever the kind of what was fetched.
    """
    return Source(
        project=fetched.project,
        text=f"{fetched.trunk_url or fetched.url}@{commit}",
        kind="git",
        url=fetched.trunk_url or fetched.url,
        ref=commit,
        method="as-is",
        trunk_url=fetched.trunk_url,
        trunk_ref=fetched.trunk or fetched.base or commit,
    )


def layers(
    ledger: Ledger, order: Order, lowers: list[Path], parts: list[Part], say: Say
) -> list[Path]:
    """Return the layers of the hosts with the parts installed over those in `lowers`."""
    if not parts:
        return lowers
    silence = order.limits["install"].silence_seconds
    workshop = Workshop(ledger, order.cache, tuple(lowers), order.run_directory, silence, say)
    return [building.layer(workshop, parts), *lowers]


def remember(group: Group, log: RunLog) -> None:
    """Keep in the group what it is made from, for the runs on it."""
    told = [event for event in runlog.iter_events(log.path) if event["event"] in _EVENTS]
    group.made_from.write_text(json.dumps(told), encoding="utf-8")


def recall(group: Group, order: Order, log: RunLog) -> None:
    """Tell the run log what the group was made from; the suites are those of this run."""
    if not group.made_from.exists():
        return
    for event in json.loads(group.made_from.read_text(encoding="utf-8")):
        fields = {name: event[name] for name in EVENTS[event["event"]]}
        if "provenance" in fields:
            fields["provenance"]["suites"] = provenance.suites_of(order)
        log.append(event["event"], **fields)


def _fetch(order: Order, source: Source, patience: Patience) -> Fetched:
    project = order.projects.by_name[source.project]
    place = _place(order, source, patience)
    return fetching.fetch(order.cache, source, project, place, patience, order.allow_dirty)


def _place(order: Order, source: Source, patience: Patience) -> Place | None:
    """Return what a server of changes or branches says of the source, None where none is asked."""
    if source.kind == "gerrit":
        project = order.projects.by_name[source.project]
        question = replace(patience, seconds=QUESTION_SECONDS)
        return gerrit.find(order.projects.gerrit, source, project, question)
    if source.kind == "launchpad":
        return _branch(order, source, patience)
    return None


def _branch(order: Order, source: Source, patience: Patience) -> Place:
    """Return where a branch of Launchpad is; one of Bazaar is brought into the mirror."""
    with mirror.claimed(order.cache, source.project) as repository:
        if source.ref and mirror.has(repository, source.ref):
            return Place(url=f"lp:{source.url}", ref="", commit=source.ref)
    question = replace(patience, seconds=QUESTION_SECONDS)
    # It is slow to import, and most sources are elsewhere.
    from osci_jobs.sources import launchpad

    place = launchpad.find(order.projects, source, question)
    return _brought(order, source, place, patience) if place.vcs == "bazaar" else place


def _brought(order: Order, source: Source, place: Place, patience: Patience) -> Place:
    # A trunk of the user's own is git's, and takes the place of Bazaar's.
    trunk = "" if source.trunk_url or source.trunk_ref else place.trunk_url
    with mirror.claimed(order.cache, source.project) as repository:
        found = bazaar.bring(repository, order.cache, place.url, trunk, patience)
        if place.commit and not mirror.has(repository, place.commit):
            raise SourceError(f"'{source.text}' does not have the commit {place.commit}.")
    details = {**place.details, "revision": found.revision, "revno": found.revno}
    commit = place.commit or found.commit
    return replace(place, commit=commit, trunk_url=trunk, trunk_branch=found.trunk, details=details)


def _part(order: Order, fetched: Fetched, version: str) -> Part:
    """Return what is to be installed of a source: its code, or a release."""
    package = order.projects.by_name[fetched.project].package
    if fetched.kind == "release":
        return Part(fetched.project, package, version)

    def export(path: Path) -> None:
        with mirror.claimed(order.cache, fetched.project) as repository:
            archive.export(repository, fetched.merged, path)

    return Part(fetched.project, package, version, fetched.tree, export)


def _version(fetched: Fetched, pins: Mapping[str, str]) -> str:
    if fetched.kind == "release":
        return fetched.ref
    pinned = pins.get(fetched.project, "")
    return numbering.version(fetched.tag, fetched.distance, fetched.merged, pinned)


def _facts(fetched: Fetched, version: str) -> dict[str, Any]:
    """Return what run.json says of a source."""
    facts = asdict(fetched)
    change = facts.pop("change") or {}
    if author := facts.pop("author"):
        facts["details"] = {**facts["details"], "author": author}
    for name in ("project", "tag", "distance"):
        del facts[name]
    return {**facts, **change, "version": version}


def _sentence(fetched: Fetched) -> str:
    if fetched.kind == "release":
        return f"{fetched.project} {fetched.ref} is a release."
    change = fetched.change
    counts = ""
    if change:
        files = number(change.files, "file")
        counts = f", {files}, +{change.insertions} -{change.deletions}"
    return f"{fetched.project} is {fetched.merged[:12]} ({fetched.method}{counts})."
