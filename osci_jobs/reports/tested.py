# SPDX-License-Identifier: Apache-2.0
"""What was tested: the commits of the sources, or the versions of the packages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osci_jobs.results.record import Record

_PARTS = ("url", "ref", "proposed", "trunk", "base", "merged", "tree")


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
    """Return the sources that were tested; none when everything was released."""
    return tuple(Source(name, _parts(found)) for name, found in sorted(record.sources.items()))


def packages(record: Record) -> tuple[Package, ...]:
    """Return the packages of all hosts, by name; hosts that agree stand together."""
    names = sorted({name for host in record.hosts for name in host.versions}, key=str.casefold)
    return tuple(Package(name, _versions(record, name)) for name in names)


def _parts(found: Any) -> dict[str, str]:
    if not isinstance(found, Mapping):
        return {"ref": str(found)}
    return {name: str(found[name]) for name in _PARTS if found.get(name)}


def _versions(record: Record, name: str) -> tuple[tuple[str, str], ...]:
    seen: dict[str, list[str]] = {}
    for host in record.hosts:
        if name in host.versions:
            seen.setdefault(host.versions[name], []).append(host.name)
    is_one = len(seen) == 1 and sum(map(len, seen.values())) == len(record.hosts)
    return tuple((version, "" if is_one else ", ".join(hosts)) for version, hosts in seen.items())
