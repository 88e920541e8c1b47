# SPDX-License-Identifier: Apache-2.0
"""From the scenarios that a command line asks for to the suite that runs them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from osci_jobs import stress
from osci_jobs.cli import configuration, plans
from osci_jobs.deployment import Deployment, Limit, Suite
from osci_jobs.errors import ConfigurationError
from osci_jobs.results import store
from osci_jobs.stress import Scenario

DEFAULT = Path("config/stress")
SUITE = store.LOAD
# The names of the suites that a run of two sides has of its own.
RESERVED = (store.LOAD, store.REGRESSION)
# How long the cloud is watched without load, to know what it does by itself.
IDLE_SECONDS = 10
# What starts and ends a suite of load: meters, servers that the scenarios find.
_MARGIN_SECONDS = 600


def deployment(asked: argparse.Namespace, found: Deployment) -> Deployment:
    """Return the deployment with one suite, of the scenarios that were asked for.

    Its limits leave time for them. Raises ConfigurationError with all their faults.
    """
    names, loaded = _load(asked, found)
    suite = _suite(loaded)
    alone = replace(found, stress=names, suites=(suite,))
    if asked.against is not None:
        return _paired(asked, alone, suite, 2)
    return _with_time(alone, _seconds(loaded), 1)


def beside_suites(asked: argparse.Namespace, found: Deployment) -> Deployment:
    """Return the deployment with its own suites, and after them that of the scenarios.

    Its limits leave time for two sides and a third group. Raises as `deployment` does.
    """
    for suite in found.suites:
        if suite.name in RESERVED:
            raise ConfigurationError(
                f"'{found.path}': its suite '{suite.name}' cannot be held against trunk, for "
                "osci has a suite of that name then; call it otherwise."
            )
    names, loaded = _load(asked, found)
    suite = _suite(loaded)
    return _paired(asked, replace(found, stress=names, suites=(*found.suites, suite)), suite, 3)


def _load(
    asked: argparse.Namespace, found: Deployment
) -> tuple[tuple[str, ...], Sequence[Scenario]]:
    """Return the names of the deployment's scenarios, and those that were asked for."""
    place = configuration.place(asked.stress_config_dir, DEFAULT)
    names = found.stress or tuple(stress.names(place))
    return names, stress.load(place, tuple(asked.scenario) or names, found.services)


def _suite(loaded: Sequence[Scenario]) -> Suite:
    options = {
        "idle_seconds": IDLE_SECONDS,
        "scenarios": [scenario.as_dict() for scenario in loaded],
    }
    return Suite(SUITE, SUITE, options)


def _paired(asked: argparse.Namespace, found: Deployment, suite: Suite, groups: int) -> Deployment:
    """Return the deployment with limits for so many groups, made, deployed and removed."""
    seconds = plans.most_seconds(plans.plan(asked, found, suite.options["scenarios"]))
    return _with_time(found, seconds, groups)


def _with_time(found: Deployment, seconds: float, groups: int) -> Deployment:
    """Return the deployment with limits that leave so long for its load, and for its groups."""
    limits = {
        **found.limits,
        "suite": _at_least(found.limits["suite"], seconds),
        "run": _at_least(found.limits["run"], seconds + groups * found.limits["run"].seconds),
    }
    return replace(found, limits=limits)


def _seconds(scenarios: Sequence[Scenario]) -> float:
    """Return how long the scenarios take at the most."""
    loads = (one.ramp + one.duration + one.timeout for one in scenarios)
    return IDLE_SECONDS + sum(loads) + _MARGIN_SECONDS


def _at_least(limit: Limit, seconds: float) -> Limit:
    return replace(limit, seconds=max(limit.seconds, seconds))
