# SPDX-License-Identifier: Apache-2.0
"""The hosts of a deployment file: their names, addresses and sizes."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from .document import iter_entries
from .faults import Fault, Path, show
from .model import Host

RESERVED = {
    "tester": "because osci adds 'tester' to every group",
    "localhost": "because 'localhost' is every host itself",
}

# This network, loopback, link-local, multicast, reserved.
_NOT_OF_HOSTS = tuple(
    ipaddress.IPv4Network(network)
    for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
_UNITS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_HARDWARE = {"cpus": "cpus", "memory": "memory_bytes", "disk": "disk_bytes"}


def names(value: Any) -> tuple[str, ...]:
    """Return the names of the hosts, also those that cannot be used, in order.

    So a role on a host with a bad name does not count as a second fault.
    """
    entries = value.get("host") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return ()
    found = (entry.get("name") for entry in entries if isinstance(entry, dict))
    return tuple(name for name in found if isinstance(name, str))


def locations(value: dict[str, Any]) -> dict[str, str]:
    """Return the host for each word that names one: its name or its address."""
    known = {name: name for name in names(value)}
    for _, entry in iter_entries(value, "host"):
        if entry.get("address") and entry.get("name"):
            known.setdefault(entry["address"], entry["name"])
    return known


def check(value: dict[str, Any]) -> Iterator[Fault]:
    """Yield names and addresses that are taken twice or cannot be used."""
    names_seen: set[str] = set()
    addresses_seen: set[str] = set()
    for position, entry in iter_entries(value, "host"):
        path: Path = ("host", position)
        yield from _check_name((*path, "name"), entry.get("name"), names_seen)
        yield from _check_address((*path, "address"), entry.get("address"), addresses_seen)


def check_reference(path: Path, name: str | None, known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault where the name is not that of a host; nothing where no host is known."""
    if name is not None and known and name not in known:
        yield Fault(path, show(name), "the name of a host in this file", name, known)


def resolve(value: dict[str, Any]) -> tuple[tuple[Host, ...], dict[str, Path | str]]:
    """Return the hosts of a checked deployment, and where each value came from."""
    entries = list(iter_entries(value, "host"))
    origins = {
        f"hosts[{position}].{field}": origin
        for position, entry in entries
        for field, origin in _origins(position, entry).items()
    }
    return tuple(_host(entry) for _, entry in entries), origins


def _check_name(path: Path, name: str | None, seen: set[str]) -> Iterator[Fault]:
    if name is None:
        return
    if name in RESERVED:
        yield Fault(path, show(name), f"another name, {RESERVED[name]}")
    elif name in seen:
        yield Fault(path, show(name), "a name that no other host has")
    seen.add(name)


def _check_address(path: Path, address: str | None, seen: set[str]) -> Iterator[Fault]:
    if not address:
        return
    if not _is_usable(address):
        yield Fault(path, show(address), "the IPv4 address of one host, such as '10.77.0.11'")
    elif address in seen:
        yield Fault(path, show(address), "an address that no other host has")
    seen.add(address)


def _is_usable(address: str) -> bool:
    """Say whether the address can be that of one host on a network.

    The first and last address of a /24 are refused too: the usual network
    of a group has no host there.
    """
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return parsed.packed[3] not in (0, 255) and not any(parsed in net for net in _NOT_OF_HOSTS)


def _host(entry: dict[str, Any]) -> Host:
    hardware = entry.get("hardware", {})
    return Host(
        name=entry["name"],
        address=entry.get("address", ""),
        cpus=int(hardware["cpus"]) if "cpus" in hardware else None,
        memory_bytes=_bytes(hardware.get("memory")),
        disk_bytes=_bytes(hardware.get("disk")),
    )


def _bytes(size: str | None) -> int | None:
    if size is None:
        return None
    number, unit = size.split(" ")
    return int(number) * _UNITS[unit]


def _origins(position: int, entry: dict[str, Any]) -> dict[str, Path | str]:
    path: Path = ("host", position)
    origins: dict[str, Path | str] = {"name": (*path, "name")}
    origins["address"] = (*path, "address") if entry.get("address") else "provider"
    for key, field in _HARDWARE.items():
        is_given = key in entry.get("hardware", {})
        origins[field] = (*path, "hardware", key) if is_given else "provider"
    return origins
