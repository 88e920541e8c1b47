# SPDX-License-Identifier: Apache-2.0
"""What services and hosts used over time, from samples taken at different moments."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise

from osci_jobs.results.harvested import HostHarvest

POINTS = 240  # moments of a chart
NAMES = 100  # services that are looked at; no deployment has as many
_NEARLY = 0.1  # the part of a chart's length in which all series end that last to the end
_CLOCK_SECONDS = 3600.0  # how wrong a host's clock may be before its samples are left out

Points = list[tuple[float, float]]  # seconds since the run's start, and a value
Value = float | None
Rows = list[tuple[datetime, Value]]


@dataclass(frozen=True)
class Series:
    """The values of one service or host at the moments of a chart, None where not known."""

    name: str
    values: tuple[Value, ...]

    @property
    def peak(self) -> float:
        """The greatest value."""
        return max(self._known, default=0.0)

    @property
    def mean(self) -> float:
        """The mean over all moments, where what is not known counts as nothing."""
        return sum(self._known) / len(self.values)

    @property
    def _known(self) -> list[float]:
        return [value for value in self.values if value is not None]


@dataclass(frozen=True)
class Chart:
    """Series over one axis: seconds since the run's start."""

    times: tuple[float, ...] = ()
    series: tuple[Series, ...] = ()


@dataclass(frozen=True)
class Service:
    """What one service used on all hosts together; a peak is of the moments of a chart."""

    name: str
    memory_peak: float
    cpu_peak: float
    cpu_seconds: float


@dataclass(frozen=True)
class Usage:
    """All charts of a run, and its services, the one with the most memory first."""

    services: tuple[Service, ...]
    memory: Chart
    cpu: Chart
    host_cpu: Chart
    host_memory: Chart
    host_disk: Chart
    host_network: Chart


def gather(harvest: Sequence[HostHarvest], started: str) -> Usage:
    """Return what was used by all hosts and services of the run that was `started` then."""
    start = datetime.fromisoformat(started) if started else None
    memory = _by_service(harvest, start, lambda row: row.memory_bytes)
    cpu = _by_service(harvest, start, lambda row: row.cpu_seconds)
    memory_chart, cpu_chart = _chart(memory, _level), _chart(cpu, _slope)
    return Usage(
        services=_services(memory_chart, cpu_chart, cpu),
        memory=memory_chart,
        cpu=cpu_chart,
        host_cpu=_chart(_by_host(harvest, start, lambda row: row.cpu_seconds), _slope),
        host_memory=_chart(_by_host(harvest, start, lambda row: row.memory_bytes), _level),
        host_disk=_chart(_by_host(harvest, start, lambda row: row.disk_bytes), _level),
        host_network=_chart(
            _by_host(harvest, start, lambda row: row.received_bytes + row.sent_bytes), _slope
        ),
    )


def fold(chart: Chart, limit: int) -> Chart:
    """Return the chart with its `limit` greatest series; the rest are summed as 'other'.

    The greatest are high at their peak or all along.
    """
    ranked = sorted(chart.series, key=lambda series: (-series.peak - series.mean, series.name))
    rest = [series.values for series in ranked[limit:]]
    if not rest:
        return Chart(chart.times, tuple(ranked))
    other = Series("other", tuple(map(_sum, zip(*rest, strict=True))))
    return Chart(chart.times, (*ranked[:limit], other))


def _by_service(
    harvest: Sequence[HostHarvest], start: datetime | None, value: Callable
) -> dict[str, list[Points]]:
    """Return the points by service, one list for each of its hosts."""
    found: dict[str, dict[str, Rows]] = {}
    for host in harvest:
        for row in host.services:
            found.setdefault(row.service, {}).setdefault(host.name, []).append((row.at, value(row)))
    return {
        name: [_points(rows, start) for rows in hosts.values()]
        for name, hosts in islice(sorted(found.items()), NAMES)
    }


def _by_host(
    harvest: Sequence[HostHarvest], start: datetime | None, value: Callable
) -> dict[str, list[Points]]:
    return {
        host.name: [_points([(row.at, value(row)) for row in host.usage], start)]
        for host in harvest
        if host.usage
    }


def _points(rows: Iterable[tuple[datetime, Value]], start: datetime | None) -> Points:
    if start is None:
        return []
    timed = (((at - start).total_seconds(), value) for at, value in rows if value is not None)
    return sorted(point for point in timed if abs(point[0]) < _CLOCK_SECONDS)


def _chart(
    found: Mapping[str, list[Points]], draw: Callable[[Points, Sequence[float]], list[Value]]
) -> Chart:
    times = _moments([[time for time, _ in points] for hosts in found.values() for points in hosts])
    if not times:
        return Chart()
    drawn = {name: [draw(points, times) for points in hosts] for name, hosts in found.items()}
    together = (
        Series(name, tuple(map(_sum, zip(*values, strict=True)))) for name, values in drawn.items()
    )
    return Chart(times, tuple(series for series in together if any(series.values)))


def _moments(times: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return at most POINTS of all `times`, evenly; none when they are all one.

    They end where the first of those ends that last to the end, or nearly: past
    it a sum over hosts would fall because one was sampled earlier than the rest.
    """
    ordered = sorted({time for one in times for time in one})
    if len(ordered) < 2:
        return ()
    nearly = ordered[-1] - (ordered[-1] - ordered[0]) * _NEARLY
    end = min(one[-1] for one in times if one and one[-1] >= nearly)
    gap = (end - ordered[0]) / (POINTS - 1)
    chosen = ordered[:1]
    for time in ordered[1:]:
        if time <= end and time - chosen[-1] >= gap:
            chosen.append(time)
    return tuple(chosen) if len(chosen) > 1 else ()


def _level(points: Points, times: Sequence[float]) -> list[Value]:
    """Return the value at each moment, None before the first and after the last."""
    return [_at(points, time) for time in times]


def _slope(points: Points, times: Sequence[float]) -> list[Value]:
    """Return the growth per second up to each moment; what falls has begun anew."""
    values = [_at(points, time) for time in times]
    slopes: list[Value] = [None]
    for (before, earlier), (after, later) in pairwise(zip(times, values, strict=True)):
        if earlier is None or later is None:
            slopes.append(None)
        else:
            slopes.append(max(later - earlier, 0.0) / (after - before))
    return slopes


def _at(points: Points, time: float) -> Value:
    place = bisect_right(points, time, key=lambda point: point[0])
    if place == 0:
        return None
    before, value = points[place - 1]
    if place == len(points):
        return value if before == time else None
    after, next_value = points[place]
    return value + (next_value - value) * (time - before) / (after - before)


def _sum(values: Iterable[Value]) -> Value:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _services(memory: Chart, cpu: Chart, points: Mapping[str, list[Points]]) -> tuple[Service, ...]:
    memory_peaks = {series.name: series.peak for series in memory.series}
    cpu_peaks = {series.name: series.peak for series in cpu.series}
    found = [
        Service(name, memory_peaks.get(name, 0.0), cpu_peaks.get(name, 0.0), _growth(hosts))
        for name, hosts in points.items()
    ]
    used = [service for service in found if service.memory_peak or service.cpu_seconds]
    return tuple(sorted(used, key=lambda one: (-one.memory_peak, -one.cpu_seconds, one.name)))


def _growth(hosts: Iterable[Points]) -> float:
    return sum(max(later[1] - earlier[1], 0.0) for one in hosts for earlier, later in pairwise(one))
