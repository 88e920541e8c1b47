# SPDX-License-Identifier: Apache-2.0
"""The suite `stress`: load on the cloud, scenario after scenario."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osci_jobs.deployment.model import Suite
from osci_jobs.suites.plan import Plan, Services, role_file

# Samples of a scenario are not those of an API's calls.
OPERATIONS: tuple[str, ...] = ()

_PYTHON = "/opt/load/bin/python"
_PROGRAMS = (
    "stress.py",
    "stress_cloud.py",
    "stress_cost.py",
    "stress_engine.py",
    "stress_operations.py",
    "stress_record.py",
)
_GRACE_SECONDS = 20  # to delete the servers that the scenarios found


def plan(suite: Suite, services: Services) -> Plan:
    """Return the plan of the scenarios in the suite's options (docs/stress.md)."""
    hosts = sorted({host for placed in services.values() for host in placed})
    scenarios = suite.options["scenarios"]
    settings = {
        "cloud": "osci",
        "idle_seconds": suite.options["idle_seconds"],
        "meters": hosts,
        "scenarios": scenarios,
        "servers": max(map(_servers, scenarios)),
    }
    files: dict[str, Path | str] = {name: role_file(name) for name in _PROGRAMS}
    files["stress.json"] = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    command = (_PYTHON, "stress.py", "stress.json")
    return Plan(command, files, grace_seconds=_GRACE_SECONDS)


def _servers(scenario: Mapping[str, Any]) -> int:
    """Return how many servers a scenario finds; who boots one has to know what a look costs."""
    return max(scenario["servers"], int("server-boot" in scenario["operations"]))


def read(directory: Path) -> None:
    """Leave what came back as it is: the suite wrote cases.jsonl and samples.csv itself."""
