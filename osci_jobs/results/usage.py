# SPDX-License-Identifier: Apache-2.0
"""What the services of a run used, from the series and the counts that their hosts left.

A service whose hosts did not all leave theirs has no value: half of it would
look like less.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from osci_jobs.results.harvested import KINDS, HostHarvest, ServiceUsage
from osci_jobs.results.record import Record

WHOLE_OUTCOMES = ("success", "failure")
_MIB = 1 << 20
# Whose hosts count; every host counts its own lines of log.
_COUNTED_BY = {"statements": "mariadb", "messages": "rabbitmq-server"}

Services = Mapping[str, Sequence[str]]  # the hosts of each service


@dataclass(frozen=True)
class Window:
    """A span of time, without its start."""

    start: datetime
    end: datetime


def windows(record: Record, names: Iterable[str]) -> tuple[Window, ...]:
    """Return when these phases of the run were; none when one of them was broken off."""
    wanted = set(names)
    phases = [
        phase for phase in record.phases if phase.name in wanted and phase.outcome != "skipped"
    ]
    if any(phase.outcome not in WHOLE_OUTCOMES for phase in phases):
        return ()
    starts = [datetime.fromisoformat(phase.started) for phase in phases]
    return tuple(
        Window(start, start + timedelta(seconds=phase.seconds))
        for start, phase in zip(starts, phases, strict=True)
    )


def memory(
    harvest: Sequence[HostHarvest], services: Services, times: Sequence[Window]
) -> dict[str, float]:
    """Return `<service>.peak` and `<service>.mean` in MiB, all processes of a service added up."""
    row = {}
    for service, by_host in _by_service(harvest, services).items():
        totals = list(_iter_totals(by_host, times))
        if totals:
            row[f"{service}.peak"] = max(totals) / _MIB
            row[f"{service}.mean"] = statistics.fmean(totals) / _MIB
    return row


def cpu(
    harvest: Sequence[HostHarvest], services: Services, times: Sequence[Window]
) -> dict[str, float]:
    """Return the CPU seconds that each service used in these times."""
    return {
        service: sum(_growth(samples, times) for samples in by_host.values())
        for service, by_host in _by_service(harvest, services).items()
        if times
    }


def counts(
    harvest: Sequence[HostHarvest], services: Services, columns: Iterable[str]
) -> dict[str, float]:
    """Return the numbers of the columns `<kind>.<name>`; a name that did nothing has 0."""
    counted = {kind: _counted(harvest, services, kind) for kind in KINDS}
    row = {}
    for column in columns:
        kind, _, name = column.partition(".")
        if counted[kind]:
            row[column] = float(sum(numbers.get(name, 0) for numbers in counted[kind]))
    return row


def _by_service(
    harvest: Sequence[HostHarvest], services: Services
) -> dict[str, dict[str, list[ServiceUsage]]]:
    """Return the samples of each service by host, where all of its hosts left some."""
    found: dict[str, dict[str, list[ServiceUsage]]] = {
        service: {host: [] for host in hosts} for service, hosts in services.items()
    }
    for host in harvest:
        for sample in host.services:
            if host.name in found.get(sample.service, ()):
                found[sample.service][host.name].append(sample)
    return {service: by_host for service, by_host in found.items() if all(by_host.values())}


def _iter_totals(
    by_host: Mapping[str, Sequence[ServiceUsage]], times: Sequence[Window]
) -> Iterator[int]:
    """Yield the bytes on all hosts together, each time that one of them was measured."""
    measured = sorted(
        (sample.at, host, sample.memory_bytes)
        for host, samples in by_host.items()
        for sample in samples
        if sample.memory_bytes is not None and _is_within(sample.at, times)
    )
    latest: dict[str, int] = {}
    for _, host, size in measured:
        latest[host] = size
        yield sum(latest.values())


def _growth(samples: Sequence[ServiceUsage], times: Sequence[Window]) -> float:
    """Return by how much the seconds grew in these times; a sampler may have begun anew."""
    total = before = 0.0
    for sample in samples:
        is_anew = sample.cpu_seconds < before
        grown = sample.cpu_seconds - (0.0 if is_anew else before)
        before = sample.cpu_seconds
        if _is_within(sample.at, times):
            total += grown
    return total


def _is_within(at: datetime, times: Sequence[Window]) -> bool:
    return any(window.start < at <= window.end for window in times)


def _counted(
    harvest: Sequence[HostHarvest], services: Services, kind: str
) -> list[Mapping[str, int]]:
    """Return the numbers of all hosts that count this kind; none when one of them lacks."""
    everywhere = {host for hosts in services.values() for host in hosts}
    wanted = services.get(_COUNTED_BY.get(kind, ""), everywhere)
    found = [host.counts.get(kind, {}) for host in harvest if host.name in wanted]
    return found if len(found) == len(wanted) and all(found) else []
