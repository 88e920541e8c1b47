# SPDX-License-Identifier: Apache-2.0
"""What the harvest brought from each host, read as a stranger's: units, state, counts, usage.

A file that is missing, torn or malformed reads as empty: a host that is half
dead still tells what it can.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from osci_jobs.results import files
from osci_jobs.results.escape import clip, visible_line

FORMAT = 1
UNITS, STATE, COUNTERS = "units.json", "host.json", "counters.json"
SERVICE_USAGE, HOST_USAGE = "usage/services.csv", "usage/host.csv"
SERVICE_COLUMNS = ("at", "service", "cpu_seconds", "memory_bytes")
HOST_COLUMNS = (
    *("at", "cpu_seconds", "memory_bytes", "disk_bytes"),
    *("received_bytes", "sent_bytes"),
)
KINDS = ("statements", "messages", "log")
_FILE_BYTES = 16 * 1024 * 1024
_ITEMS = 500  # units of one host, names in one kind of counts
_ROWS = 200_000
_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Unit:
    """A systemd service as it stood at harvest; times are the host's own, None when never.

    It waited for what it `needs` (ADDRESS:PORT) from `waited_at` until its
    process was `started_at`. `ended_at` is when that process ended: a unit that
    runs once, or one that died. `listens` are its TCP ports.
    """

    host: str
    name: str
    active: str  # active, activating, deactivating, failed, inactive
    result: str  # success, exit-code, signal, timeout, oom-kill, …
    exit_status: int  # of the last process that ended, or the number of its signal
    restarts: int
    waited_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    needs: tuple[str, ...]
    listens: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """A host at harvest: its clock, and its root disk in bytes."""

    at: datetime
    disk_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class ServiceUsage:
    """What a service's processes have used at one moment.

    `cpu_seconds` grow from the first sample on; `memory_bytes` (PSS) is None
    at moments when it was not measured.
    """

    at: datetime
    service: str
    cpu_seconds: float
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class HostUsage:
    """What all processes of a host have used at one moment; bytes sent and received grow."""

    at: datetime
    cpu_seconds: float
    memory_bytes: int | None
    disk_bytes: int
    received_bytes: int
    sent_bytes: int


@dataclass(frozen=True)
class HostHarvest:
    """What one host left; `counts` maps each of KINDS to numbers by account or level."""

    name: str
    units: tuple[Unit, ...] = ()
    state: State | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    services: tuple[ServiceUsage, ...] = ()
    usage: tuple[HostUsage, ...] = ()


def read(run_directory: Path, host_names: tuple[str, ...]) -> tuple[HostHarvest, ...]:
    """Return what was harvested from each of these hosts, in their order."""
    return tuple(_read_host(run_directory / "logs" / name, name) for name in host_names)


def _read_host(directory: Path, name: str) -> HostHarvest:
    units = _objects(_document(directory / UNITS).get("units"))
    return HostHarvest(
        name=name,
        units=tuple(unit for unit in (_unit(name, fields) for fields in units) if unit.name),
        state=_state(_document(directory / STATE)),
        counts=_counts(_document(directory / COUNTERS)),
        services=tuple(_iter_services(directory / SERVICE_USAGE)),
        usage=tuple(_iter_usage(directory / HOST_USAGE)),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        data, _ = files.read_capped(path, _FILE_BYTES)
        found = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return {}
    is_known = isinstance(found, dict) and found.get("format") == FORMAT
    return found if is_known else {}


def _unit(host: str, fields: Mapping[str, Any]) -> Unit:
    return Unit(
        host=host,
        name=_text(fields.get("name")),
        active=_text(fields.get("active")),
        result=_text(fields.get("result")),
        exit_status=_whole(fields.get("exit_status")) or 0,
        restarts=_whole(fields.get("restarts")) or 0,
        waited_at=_moment(fields.get("waited_at")),
        started_at=_moment(fields.get("started_at")),
        ended_at=_moment(fields.get("ended_at")),
        needs=tuple(filter(None, map(_text, _list(fields.get("needs"))))),
        listens=tuple(filter(None, map(_whole, _list(fields.get("listens"))))),
    )


def _state(fields: Mapping[str, Any]) -> State | None:
    at = _moment(fields.get("at"))
    disk, free = _whole(fields.get("disk_bytes")), _whole(fields.get("disk_free_bytes"))
    return State(at, disk, free) if at and disk is not None and free is not None else None


def _counts(fields: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    counts = {}
    for kind in KINDS:
        found = fields.get(kind)
        items = islice(found.items(), _ITEMS) if isinstance(found, dict) else ()
        numbers = ((_text(name), _whole(number)) for name, number in items)
        counts[kind] = {name: number for name, number in numbers if number is not None}
    return counts


def _iter_services(path: Path) -> Iterator[ServiceUsage]:
    for row in _iter_rows(path, SERVICE_COLUMNS):
        at, name = _time(row[0]), _text(row[1])
        cpu, memory = _number(row[2]), _number(row[3])
        if at and name and cpu is not None:
            yield ServiceUsage(at, name, cpu, None if memory is None else int(memory))


def _iter_usage(path: Path) -> Iterator[HostUsage]:
    for row in _iter_rows(path, HOST_COLUMNS):
        at = _time(row[0])
        cpu, memory, *others = map(_number, row[1:])
        if at and cpu is not None and None not in others:
            disk, received, sent = (int(number or 0) for number in others)
            yield HostUsage(at, cpu, None if memory is None else int(memory), disk, received, sent)


def _iter_rows(path: Path, columns: tuple[str, ...]) -> Iterator[list[str]]:
    try:
        data, _ = files.read_capped(path, _FILE_BYTES)
    except OSError:
        return
    whole = data.rpartition(b"\n")[0].decode("utf-8", "replace")
    rows = csv.reader(io.StringIO(whole.replace("\0", ""), newline=""))
    try:
        if next(rows, None) == list(columns):
            yield from (row for row in islice(rows, _ROWS) if len(row) == len(columns))
    except csv.Error:
        return


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _list(value: Any) -> list[Any]:
    return value[:_ITEMS] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return clip(visible_line(value), _NAME_CHARACTERS) if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_whole else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number < 2**63 else None


def _moment(value: Any) -> datetime | None:
    """Return the time of so many seconds since 1970."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return datetime.fromtimestamp(value, UTC) if is_number and value > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC)
