# SPDX-License-Identifier: Apache-2.0
"""`osci regression`: hold a branch against trunk, and tell what it brings."""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from osci_jobs import reports, run
from osci_jobs.cli import described, mailing, pairing, parameters, plans, running
from osci_jobs.deployment import Suite
from osci_jobs.errors import ConfigurationError, InterruptionError
from osci_jobs.regression import functional, sides
from osci_jobs.regression.sides import RERUN, SIDES
from osci_jobs.results import store
from osci_jobs.results.record import Record
from osci_jobs.run.proposed import execute_proposal


def call(asked: argparse.Namespace) -> int:
    """Hold a branch against trunk; the report goes to standard output, and to who is named."""
    with described.told(asked):
        return _call(asked)


def _call(asked: argparse.Namespace) -> int:
    if asked.ci:
        running.clear(asked)
        asked = parameters.applied(asked, os.environ)
    proposal = order(asked)
    posted = mailing.prepare(asked, proposal.projects)
    if asked.dry_run:
        _print_plan(asked, proposal, posted)
        return 0
    directory = proposal.order.run_directory
    record, kept = running.carry_out_sides(
        directory, lambda progress: execute_proposal(proposal, progress)
    )
    if asked.ci:
        described.by_record(record)
    # Who interrupts a run knows it.
    is_told = record.verdict != InterruptionError.verdict
    mails = mailing.send(posted, record, directory) if is_told else []
    if asked.json:
        print(json.dumps(_document(record, directory) | {"mail": mails}, sort_keys=True))
    else:
        running.show(directory, kept)
    return running.exit_code(asked, record)


def order(asked: argparse.Namespace) -> run.Proposal:
    """Check everything that can be checked before anything is made, and return the order."""
    if not asked.branch and not asked.null:
        raise ConfigurationError(
            "--branch: there is none to hold against trunk; '--null' compares trunk with itself."
        )
    whole = running.order(asked)
    load = next((suite for suite in whole.deployment.suites if suite.name == store.LOAD), None)
    suites = _suites(asked, whole, load)
    plan = plans.plan(asked, whole.deployment, load.options["scenarios"]) if load else None
    whole = replace(whole, suites=(*suites, *([load] if load else [])))
    before, after, rerun = (pairing.side(whole, name) for name in (*SIDES, RERUN))
    return run.Proposal(
        order=whole,
        before=before,
        after=after,
        rerun=rerun,
        projects=tuple(word.partition("=")[0] for word in asked.branch),
        suites=suites,
        plan=plan,
        is_null=asked.null,
    )


def _suites(asked: argparse.Namespace, whole: run.Order, load: Suite | None) -> tuple[Suite, ...]:
    """Return the suites that run on both sides before the load."""
    if asked.stress_only:
        return ()
    found = tuple(suite for suite in whole.suites if suite is not load)
    if not found and not load:
        raise ConfigurationError(f"The deployment '{whole.deployment.name}' has no suites.")
    return found


def _print_plan(asked: argparse.Namespace, proposal: run.Proposal, posted: mailing.Mailing) -> None:
    plan: dict[str, Any] = {
        "deployment": proposal.order.deployment.name,
        "sources": running.told_sources(proposal.order),
        "suites": [suite.name for suite in proposal.suites],
        "scenarios": [piece["name"] for piece in proposal.plan.pieces] if proposal.plan else [],
        "pairs": proposal.plan.pairs if proposal.plan else "",
        "seed": proposal.plan.seed if proposal.plan else "",
        "mail_to": list(posted.addresses),
        "run_directory": str(proposal.order.run_directory),
    }
    running.show_plan(asked, plan, "none")


def _document(record: Record, directory: Path) -> dict[str, Any]:
    """Return what `--json` prints: the run, its answer, and the comparison."""
    found = sides.read(directory)
    return {
        **store.document(record, directory),
        "headline": reports.headline(directory),
        "cases": [
            {"suite": one.suite, "case": one.case.title, "standing": one.standing}
            for one in found.standings
            if one.standing != functional.SAME
        ],
        "comparison": found.compared.as_dict() if found.compared else None,
    }
