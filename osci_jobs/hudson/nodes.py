# SPDX-License-Identifier: Apache-2.0
"""Agents of a server: made by the form that Hudson and Jenkins share."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson.server import Server
from osci_jobs.results.escape import clip, visible_line

_KIND = "hudson.slaves.DumbSlave$DescriptorImpl"
_POLL_SECONDS = 0.5
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Node:
    """An agent that the server starts by `command`, which speaks to it by its own streams.

    It builds only jobs that name one of its `labels`, `executors` at a time, below
    `directory`.
    """

    name: str
    labels: Sequence[str]
    directory: str
    command: str
    executors: int = 1


def exists(server: Server, name: str) -> bool:
    """Tell whether the server has an agent of that name."""
    return server.find(f"{_path(name)}api/json", _about(name), "displayName") is not None


def create(server: Server, node: Node) -> None:
    """Make an agent; raises ConfigurationError when there is one of that name."""
    if exists(server, node.name):
        raise ConfigurationError(f"'{server.url}' has an agent '{node.name}' already.")
    document = {
        "name": node.name,  # Hudson looks for it here, Jenkins in the form
        "nodeDescription": "",
        "numExecutors": str(node.executors),
        "remoteFS": node.directory,
        "labelString": " ".join(node.labels),
        "mode": "EXCLUSIVE",
        "type": _KIND,
        "retentionStrategy": {"stapler-class": "hudson.slaves.RetentionStrategy$Always"},
        "nodeProperties": {"stapler-class-bag": "true"},
        "launcher": {"stapler-class": "hudson.slaves.CommandLauncher", "command": node.command},
    }
    fields = {"name": node.name, "type": _KIND, "json": json.dumps(document)}
    server.post("computer/doCreateItem", _about(node.name), fields)
    if not exists(server, node.name):
        raise server.error(_about(node.name), "it took the form and made no agent")


def await_online(server: Server, name: str, seconds: float) -> None:
    """Wait until the agent is online; raises InfrastructureError after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        found = server.get(f"{_path(name)}api/json", _about(name), "offline,offlineCauseReason")
        if found.get("offline") is False:
            return
        if time.monotonic() > until:
            reason = clip(
                visible_line(str(found.get("offlineCauseReason") or "")), _SHOWN_CHARACTERS
            )
            because = f" ({reason})" if reason else ""
            raise server.error(_about(name), f"it is not online after {seconds:g} s{because}")
        time.sleep(_POLL_SECONDS)


def _why(found: Mapping[str, Any]) -> str:
    reason = clip(visible_line(str(found.get("offlineCauseReason") or "")), _SHOWN_CHARACTERS)
    return f" ({reason})" if reason else ""


def _path(name: str) -> str:
    return f"computer/{quote(name, safe='')}/"


def _about(name: str) -> str:
    return f"the agent '{name}'"
