# SPDX-License-Identifier: Apache-2.0
"""What was tested: the commits of the sources, and the versions of the packages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osci_jobs.reports.amounts import number
from osci_jobs.results.record import Record

_PARTS = (
    *("text", "url", "ref", "proposed", "trunk_url", "trunk_ref", "trunk", "base"),
    *("method", "merged", "tree", "version"),
)


_DIGESTS = ("playbooks", "constraints")
_DIGEST_CHARACTERS = 16
_LABELS = {"text": "source", "trunk_url": "trunk url", "trunk_ref": "trunk ref"}


@dataclass(frozen=True)
class Source:
    """Where a project's code came from: named parts, such as the commit that was merged."""

    project: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Package:
    """A package and its versions; `places` says on which hosts, "" when they agree."""

    name: str
    versions: tuple[tuple[str, str], ...]  # version, and its hosts


def sources(record: Record) -> tuple[Source, ...]:
    """Return the sources that were asked for; none when everything was as pinned."""
    return tuple(
        Source(name, _parts(found))
        for name, found in sorted(record.sources.items())
        if isinstance(found, Mapping) and found.get("text")
    )


def provenance(record: Record) -> dict[str, str]:
    """Return what else the run was made from, by name; digests are cut short, lists one text."""
    made = dict(record.provenance)
    suites = made.pop("suites", None) or {}
    layers = made.pop("layers", None) or ()
    digests = {**{name: made.pop(name, "") for name in _DIGESTS}, **_named("suite", suites)}
    found = {name: str(text) for name, text in made.items()}
    found |= {name: str(digest)[:_DIGEST_CHARACTERS] for name, digest in digests.items()}
    found["layers"] = ", ".join(map(str, layers))
    return {name: text for name, text in found.items() if text}


def packages(record: Record) -> tuple[Package, ...]:
    """Return the packages of all hosts, by name; hosts that agree stand together."""
    names = sorted({name for host in record.hosts for name in host.versions}, key=str.casefold)
    return tuple(Package(name, _versions(record, name)) for name in names)


def _parts(found: Mapping[str, Any]) -> dict[str, str]:
    parts = {_LABELS.get(name, name): str(found[name]) for name in _PARTS if found.get(name)}
    if found.get("merged"):
        files = number(found.get("files", 0), "file")
        parts["change"] = f"{files}, +{found.get('insertions', 0)} -{found.get('deletions', 0)}"
    if found.get("is_dirty"):
        parts["dirty"] = "with what was not committed"
    details = found.get("details") or {}
    return parts | {name.replace("_", " "): text for name, text in details.items() if text}


def _named(what: str, digests: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{what} {name}": digest for name, digest in digests.items()}


def _versions(record: Record, name: str) -> tuple[tuple[str, str], ...]:
    seen: dict[str, list[str]] = {}
    for host in record.hosts:
        if name in host.versions:
            seen.setdefault(host.versions[name], []).append(host.name)
    is_one = len(seen) == 1 and sum(map(len, seen.values())) == len(record.hosts)
    return tuple((version, "" if is_one else ", ".join(hosts)) for version, hosts in seen.items())
