# SPDX-License-Identifier: Apache-2.0
"""Suites: what runs on the tester, and what came back from it.

A suite is a module of this package that has

    plan(suite, services) -> Plan   what runs on the tester, and with which files
    read(directory)                 make cases.jsonl and samples.csv of what came back
    OPERATIONS                      the API operations that it may sample, in order

and the playbook `playbooks/suites/<its name>.yml`, which runs it. What comes
back was written by a stranger.
"""

import importlib
from types import ModuleType

from osci_jobs.errors import ConfigurationError
from osci_jobs.suites.fetched import unpack
from osci_jobs.suites.outcome import MalformedOutcomeError, Outcome, outcome
from osci_jobs.suites.plan import Plan, digest, pack

__all__ = [
    "MalformedOutcomeError",
    "Outcome",
    "Plan",
    "digest",
    "find",
    "outcome",
    "pack",
    "unpack",
]


def find(name: str) -> ModuleType:
    """Return the module of the suite `name`; raise ConfigurationError when there is none."""
    module_name = f"{__name__}.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise ConfigurationError(f"There is no suite '{name}'.") from error
    if not hasattr(module, "OPERATIONS"):
        raise ConfigurationError(f"There is no suite '{name}'.")
    return module
