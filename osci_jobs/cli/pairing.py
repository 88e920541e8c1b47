# SPDX-License-Identifier: Apache-2.0
"""`osci stress --against`: two sides, measured in pairs by turns, and compared."""

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from osci_jobs import groups, run
from osci_jobs.cli import branches, plans, running
from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import document
from osci_jobs.regression.sides import SIDES
from osci_jobs.results import store
from osci_jobs.run.paired import execute_pairs

_OPTIONS = ("pairs", "budget", "until_clear", "seed")


def require_none(asked: argparse.Namespace) -> None:
    """Raise ConfigurationError for what is asked of pairs, where there are none."""
    values = {name: getattr(asked, name) for name in _OPTIONS}
    given = [name for name, value in values.items() if value is not None and value is not False]
    if given:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigurationError(f"{words}: there are pairs with --against only.")


def call(asked: argparse.Namespace) -> int:
    """Measure two sides in pairs; the report goes to standard output."""
    pairing = order(asked)
    if asked.dry_run:
        _print_plan(asked, pairing)
        return 0
    directory = pairing.order.run_directory
    record, kept = running.carry_out_sides(
        directory, lambda progress: execute_pairs(pairing, progress)
    )
    if asked.json:
        found = document.read(directory / document.FILE)
        told = store.document(record, directory)
        told["comparison"] = found.as_dict() if found else None
        print(json.dumps(told, sort_keys=True))
    else:
        running.show(directory, kept)
    return running.exit_code(asked, record)


def order(asked: argparse.Namespace) -> run.Pairing:
    """Check everything that can be checked before anything is made, and return the order."""
    if asked.group:
        raise ConfigurationError("--group: both sides of --against need a group of their own.")
    whole = running.order(asked)
    plan = plans.plan(asked, whole.deployment, whole.suites[0].options["scenarios"])
    against = argparse.Namespace(**vars(asked))
    against.branch = [word for word in asked.against if word]
    against.branch_origin, against.method, against.trunk = "--against", "", []
    sources = branches.sources(against, whole.deployment, whole.projects)
    before, after = (side(whole, name) for name in SIDES)
    return run.Pairing(
        order=whole,
        before=replace(before, sources=sources),
        after=after,
        plan=plan,
    )


def side(whole: run.Order, name: str) -> run.Order:
    """Return the order of a side of the whole, with a run and a group of its own."""
    run_id = store.run_id(datetime.now(UTC), whole.deployment.name, groups.new_token())
    return replace(whole, run=run_id, run_directory=whole.run_directory / name, is_quiet=True)


def _print_plan(asked: argparse.Namespace, pairing: run.Pairing) -> None:
    plan: dict[str, Any] = {
        "deployment": pairing.order.deployment.name,
        **{
            name: running.told_sources(side)
            for name, side in zip(SIDES, (pairing.before, pairing.after), strict=True)
        },
        "scenarios": [piece["name"] for piece in pairing.plan.pieces],
        "pairs": pairing.plan.pairs,
        "most_pairs": pairing.plan.most_pairs,
        "seed": pairing.plan.seed,
        "run_directory": str(pairing.order.run_directory),
    }
    running.show_plan(asked, plan, "as deployed")
