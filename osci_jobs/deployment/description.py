# SPDX-License-Identifier: Apache-2.0
"""A resolved deployment as people and other programs may see it: without its passwords."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from . import sources
from .faults import blank, printable
from .model import Deployment


def describe(deployment: Deployment) -> dict[str, Any]:
    """Return the resolved deployment, ready for JSON, every password as '***'.

    Where each value came from is left to `explain`.
    """
    described: dict[str, Any] = _plain(asdict(deployment))
    del described["origins"]
    described["sources"] = sources.described(deployment.sources)
    for server in ("database", "broker"):
        if described[server] and described[server]["password"]:
            described[server]["password"] = "***"
    for suite in described["suites"]:
        suite["options"] = _blanked(suite["options"])
    return described


def explain(deployment: Deployment) -> list[tuple[str, Any, str]]:
    """Return each resolved value as its path, itself and where it came from.

    An origin is `FILE:LINE:COLUMN`, 'provider', 'none', 'default' or
    'default: ' and a reason. Unprintable characters are escaped.
    """
    values = dict(_iter_leaves("", describe(deployment)))
    return [(path, _safe(values[path]), origin) for path, origin in deployment.origins.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _blanked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _blanked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blanked(item) for item in value]
    return blank(value) if isinstance(value, str) else value


def _iter_leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of everything; a list of plain values is one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _iter_leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for position, item in enumerate(value):
            yield from _iter_leaves(f"{path}[{position}]", item)
    else:
        yield path, value


def _safe(value: Any) -> Any:
    if isinstance(value, list):
        return [_safe(item) for item in value]
    return printable(value) if isinstance(value, str) else value
