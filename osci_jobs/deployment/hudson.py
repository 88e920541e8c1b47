# SPDX-License-Identifier: Apache-2.0
"""The Hudson of a deployment file: where it runs, and how many builds at once."""

from collections.abc import Iterator
from typing import Any

from .faults import Fault, Path
from .hosts import check_reference
from .model import Hudson
from .place import KEYS

DEFAULT_EXECUTORS = 2


def check(value: dict[str, Any], known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a Hudson on a host that is not there, or beside OpenStack."""
    section = value.get("hudson")
    if section is None:
        return
    yield from check_reference(("hudson", "host"), section.get("host"), known)
    for role in (key for key in KEYS if value.get(key) is not None):
        expected = f"a file of its own for it, because this one places OpenStack by '{role}'"
        yield Fault(("hudson",), "a Hudson", expected, at_key=True)
        return


def resolve(value: dict[str, Any]) -> tuple[Hudson | None, dict[str, Path | str]]:
    """Return the Hudson of a checked deployment, and where each value came from."""
    section = value.get("hudson")
    if section is None:
        return None, {"hudson": "default: none"}
    is_given = "executors" in section
    executors = int(section.get("executors", DEFAULT_EXECUTORS))
    origins: dict[str, Path | str] = {
        "hudson.host": ("hudson", "host"),
        "hudson.executors": ("hudson", "executors") if is_given else "default",
    }
    return Hudson(section["host"], executors), origins
