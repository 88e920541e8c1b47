# SPDX-License-Identifier: Apache-2.0
"""What ran when, and what waited for what: phases and units on one axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from osci_jobs.results.harvested import HostHarvest, Unit
from osci_jobs.results.record import Phase, Record

SPANS = 40  # units on the timeline; the harvest's files hold them all
_EARLY = -1.0  # seconds; a unit that was there before the run is not of the run


@dataclass(frozen=True)
class Bar:
    """One phase; `start` and `end` are seconds since the run's start."""

    phase: Phase
    start: float
    end: float


@dataclass(frozen=True)
class Span:
    """One unit; its times are seconds since the run's start, None for what never was.

    It waited for `needs` from `waited` to `started`, and ran until `ended`,
    which for what still ran at harvest is the end of deploy.
    """

    host: str
    unit: str
    needs: tuple[str, ...]
    waited: float | None
    started: float | None
    ended: float
    is_over: bool
    is_failed: bool
    restarts: int

    @property
    def wait(self) -> float:
        """How many seconds it waited."""
        if self.waited is None:
            return 0.0
        return max((self.ended if self.started is None else self.started) - self.waited, 0.0)

    @property
    def state(self) -> str:
        """What had become of it at harvest, in one word or two."""
        if self.is_failed:
            return "failed"
        if self.started is None:
            return "still waiting"
        return "done" if self.is_over else "running"


@dataclass(frozen=True)
class Timeline:
    """The phases and units of a run, in the order of their start; `left` units have no span."""

    bars: tuple[Bar, ...]
    spans: tuple[Span, ...]
    left: int
    seconds: float


def gather(record: Record, harvest: Sequence[HostHarvest]) -> Timeline:
    """Return the timeline of the run."""
    bars = tuple(_bar(phase, record) for phase in record.phases)
    found = _spans(record, harvest, _end_of_deploy(bars, record)) if record.started else []
    telling = sorted(found, key=lambda span: (not span.is_failed, -span.wait))
    spans = sorted(telling[:SPANS], key=_order)
    return Timeline(bars, tuple(spans), max(len(found) - SPANS, 0), record.seconds)


def _bar(phase: Phase, record: Record) -> Bar:
    since = datetime.fromisoformat(phase.started) - datetime.fromisoformat(record.started)
    start = min(max(since.total_seconds(), 0.0), record.seconds)
    return Bar(phase, start, min(start + phase.seconds, record.seconds))


def _end_of_deploy(bars: Sequence[Bar], record: Record) -> float:
    return next((bar.end for bar in bars if bar.phase.name == "deploy"), record.seconds)


def _spans(record: Record, harvest: Sequence[HostHarvest], until: float) -> list[Span]:
    servers = _servers(record, harvest)
    start = datetime.fromisoformat(record.started)
    units = [unit for host in harvest for unit in host.units]
    spans = [_span(unit, servers, start, until, record.seconds) for unit in units]
    return [span for span in spans if span]


def _servers(record: Record, harvest: Sequence[HostHarvest]) -> dict[str, tuple[str, str]]:
    """Return host and unit by the ADDRESS:PORT at which the unit listens."""
    addresses = {host.name: host.address for host in record.hosts}
    return {
        f"{addresses[host.name]}:{port}": (host.name, unit.name)
        for host in harvest
        for unit in host.units
        for port in unit.listens
        if addresses.get(host.name)
    }


def _span(
    unit: Unit, servers: dict[str, tuple[str, str]], start: datetime, until: float, last: float
) -> Span | None:
    def offset(at: datetime | None) -> float | None:
        return None if at is None else (at - start).total_seconds()

    waited, started, ended = map(offset, (unit.waited_at, unit.started_at, unit.ended_at))
    first = min((at for at in (waited, started) if at is not None), default=None)
    if first is None or not _EARLY <= first <= last:
        return None
    is_over = ended is not None and (started is None or ended >= started)
    begun = max(first, started or first)
    end = ended if ended is not None and is_over else until if begun < until else last
    return Span(
        host=unit.host,
        unit=unit.name,
        needs=tuple(_server(need, servers, unit.host) for need in unit.needs),
        waited=waited,
        started=started,
        ended=min(max(end, begun), last),
        is_over=is_over,
        is_failed=unit.active == "failed" or unit.result not in ("", "success"),
        restarts=unit.restarts,
    )


def _server(need: str, servers: dict[str, tuple[str, str]], own: str) -> str:
    host, unit = servers.get(need, (own, need))
    return unit if host == own else f"{unit} on {host}"


def _order(span: Span) -> tuple[float, float, str, str]:
    started = span.ended if span.started is None else span.started
    return (started, span.waited or 0.0, span.host, span.unit)
