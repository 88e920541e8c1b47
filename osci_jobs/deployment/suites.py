# SPDX-License-Identifier: Apache-2.0
"""The suites of a deployment file: what runs, under which name, with which options."""

import os.path
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any

from .faults import Fault, Path, show
from .model import Suite
from .place import has_services, has_several_computes

# The options that have a value when the file gives none. Those of smoke are
# Torpedo's; it had `keypairs` off.
DEFAULTS: dict[str, dict[str, Any]] = {
    "smoke": {
        "availability_zone": "",
        "clean_up_images": True,
        "clean_up_keypairs": True,
        "clean_up_servers": True,
        "flavor_ref": "2",
        "flavor_ref_resize": "3",
        "image_name": "osci",
        "keypairs": True,
        "network_label": "public",
        "security_groups": [],
        "server_build_timeout": 60,
        "sleep_after_image_create": 0,
        "test_admin_password": True,
        "test_create_image": True,
        "test_hard_reboot_server": True,
        "test_hostid_on_resize": False,
        "test_limits": True,
        "test_rebuild_server": True,
        "test_resize_server": True,
        "test_revert_resize_server": True,
        "test_soft_reboot_server": True,
    },
    "command": {"copy": []},
}

# Two options that say the same; the second has a default.
EITHER = (
    ("image_ref", "image_name"),
    ("flavor_name", "flavor_ref"),
    ("flavor_name_resize", "flavor_ref_resize"),
)

# The phases of a run and the sum of them: each suite is a phase beside these.
RESERVED = ("check", "fetch", "install", "create", "deploy", "harvest", "delete", "total")

_NEEDS_SERVICES = ("smoke",)
# What is no option: it says which suite, or what no deployment can do.
_NO_OPTIONS = ("suite", "name", "metering", "orchestration", "test_ping", "test_ssh", "volumes")


def check(value: dict[str, Any], directory: FilePath) -> Iterator[Fault]:
    """Yield suites that lack services, a name of their own, or the files to copy.

    Paths to copy are relative to the directory of the deployment file.
    """
    seen: set[str] = set()
    for position, entry in _entries(value):
        path: Path = ("suites", position)
        yield from _check_services(value, path, entry)
        yield from _check_name(path, entry, seen)
        yield from _check_either(path, entry)
        yield from _check_move(value, path, entry)
        yield from _check_copy((*path, "copy"), entry.get("copy") or (), directory)


def resolve(
    value: dict[str, Any], directory: FilePath
) -> tuple[tuple[Suite, ...], dict[str, Path | str]]:
    """Return the suites of a checked deployment, and where each value came from.

    The paths to copy become absolute.
    """
    if "suites" in value:
        entries, given = [entry for _, entry in _entries(value)], True
    else:
        entries, given = [{"suite": "smoke"}] if has_services(value) else [], False
    suites = tuple(_suite(entry, directory) for entry in entries)
    origins: dict[str, Path | str] = {} if suites else {"suites": _origin_of_none(given)}
    for position, entry in enumerate(entries):
        source: Path | None = ("suites", position) if given else None
        origins |= _origins(f"suites[{position}]", suites[position], entry, source)
    return suites, origins


def _entries(value: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the position and object form of each usable suite; a word alone is its name."""
    for position, entry in enumerate(value.get("suites") or ()):
        if isinstance(entry, str):
            yield position, {"suite": entry}
        elif entry is not None:
            yield position, entry


def _name(entry: dict[str, Any]) -> str | None:
    name: str | None = entry.get("name", entry.get("suite"))
    return name


def _check_services(value: dict[str, Any], path: Path, entry: dict[str, Any]) -> Iterator[Fault]:
    if entry.get("suite") in _NEEDS_SERVICES and not has_services(value):
        expected = "a suite that needs no services, because the file places none"
        yield Fault(path, f"the suite '{entry['suite']}'", expected)


def _check_name(path: Path, entry: dict[str, Any], seen: set[str]) -> Iterator[Fault]:
    name = _name(entry)
    if name in RESERVED:
        expected = "a suite under another name, for a phase of every run is called that"
        yield Fault(path, f"the suite name '{name}'", expected)
    if name in seen:
        yield Fault(path, f"a second suite '{name}'", "each suite under a 'name' of its own")
    if name is not None:
        seen.add(name)


def _check_either(path: Path, entry: dict[str, Any]) -> Iterator[Fault]:
    for first, second in EITHER:
        if entry.get(first) is not None and entry.get(second) is not None:
            expected = f"only one of '{first}' and '{second}'"
            yield Fault((*path, first), show(entry[first]), expected)


def _check_move(value: dict[str, Any], path: Path, entry: dict[str, Any]) -> Iterator[Fault]:
    if entry.get("test_hostid_on_resize") and not has_several_computes(value):
        expected = "false, because with one compute a server stays on its host when it is resized"
        yield Fault((*path, "test_hostid_on_resize"), "true", expected)


def _check_copy(path: Path, items: Sequence[str | None], directory: FilePath) -> Iterator[Fault]:
    seen: set[str] = set()
    for position, item in enumerate(items):
        if item is None:
            continue
        name = FilePath(item).name
        here = (*path, position)
        if name in ("", "..") or not _is_copyable(directory / item):
            expected = "a file or directory that exists, relative to the directory of this file"
            yield Fault(here, show(item), expected)
        elif name in seen:
            expected = f"nothing else called {show(name)}, as both would be copied"
            yield Fault(here, show(item), expected)
        seen.add(name)


def _is_copyable(path: FilePath) -> bool:
    return os.path.isfile(path) or os.path.isdir(path)


def _suite(entry: dict[str, Any], directory: FilePath) -> Suite:
    given = {key: entry[key] for key in entry if key not in _NO_OPTIONS}
    unused = {second for first, second in EITHER if first in given}
    defaults = DEFAULTS[entry["suite"]]
    options = {key: defaults[key] for key in defaults if key not in unused} | given
    if "copy" in options:
        options["copy"] = [_absolute(directory / item) for item in options["copy"]]
    return Suite(str(_name(entry)), entry["suite"], options)


def _absolute(path: FilePath) -> str:
    """Return the absolute path under the name that the file gave, be it that of a link."""
    return str(path.parent.resolve() / path.name)


def _origins(
    prefix: str, suite: Suite, entry: dict[str, Any], source: Path | None
) -> dict[str, Path | str]:
    """Return where the suite's name, kind and options came from; no source means no entry."""
    default = "default: 'smoke' where there are services"
    origins: dict[str, Path | str] = {
        f"{prefix}.name": source if source is not None else default,
        f"{prefix}.suite": source if source is not None else default,
    }
    for key in suite.options:
        is_given = source is not None and key in entry
        origins[f"{prefix}.options.{key}"] = (*(source or ()), key) if is_given else "default"
    return origins


def _origin_of_none(given: bool) -> Path | str:
    return ("suites",) if given else "default: none without services"
