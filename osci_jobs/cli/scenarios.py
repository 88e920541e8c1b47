# SPDX-License-Identifier: Apache-2.0
"""From the scenarios that a command line asks for to the suite that runs them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osci_jobs import stress
from osci_jobs.cli import configuration, plans
from osci_jobs.deployment import Deployment, Limit, Suite
from osci_jobs.stress import Scenario

DEFAULT = Path("config/stress")
SUITE = "stress"
# How long the cloud is watched without load, to know what it does by itself.
IDLE_SECONDS = 10
# What starts and ends a suite of load: meters, servers that the scenarios find.
_MARGIN_SECONDS = 600


def deployment(asked: argparse.Namespace, found: Deployment) -> Deployment:
    """Return the deployment with one suite, of the scenarios that were asked for.

    Its limits leave time for them. Raises ConfigurationError with all their faults.
    """
    place = configuration.place(asked.stress_config_dir, DEFAULT)
    names = found.stress or tuple(stress.names(place))
    loaded = stress.load(place, tuple(asked.scenario) or names, found.services)
    options: dict[str, Any] = {
        "idle_seconds": IDLE_SECONDS,
        "scenarios": [scenario.as_dict() for scenario in loaded],
    }
    limits = dict(found.limits)
    if asked.against is None:
        seconds, made = _seconds(loaded), limits["run"].seconds
    else:
        # Both sides are made, deployed and removed.
        seconds = plans.most_seconds(plans.plan(asked, options["scenarios"]))
        made = 2 * limits["run"].seconds
    limits["suite"] = _at_least(limits["suite"], seconds)
    limits["run"] = _at_least(limits["run"], seconds + made)
    return replace(found, stress=names, suites=(Suite(SUITE, SUITE, options),), limits=limits)


def _seconds(scenarios: Sequence[Scenario]) -> float:
    """Return how long the scenarios take at the most."""
    loads = (one.ramp + one.duration + one.timeout for one in scenarios)
    return IDLE_SECONDS + sum(loads) + _MARGIN_SECONDS


def _at_least(limit: Limit, seconds: float) -> Limit:
    return replace(limit, seconds=max(limit.seconds, seconds))
