# SPDX-License-Identifier: Apache-2.0
"""What commands that make a run share: from arguments to an order, and its end."""

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from osci_jobs import groups, run
from osci_jobs.cli import branches, configuration, scenarios
from osci_jobs.cli.arguments import PHASES
from osci_jobs.cli.progress import Progress
from osci_jobs.deployment import Deployment, Limit, Suite
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.groups import Group
from osci_jobs.results import estimate, runs, store, verdict
from osci_jobs.results.escape import clip
from osci_jobs.results.estimate import Estimate
from osci_jobs.results.record import Record

_END_SECONDS = 90
_SHOWN_CHARACTERS = 60


def order(asked: argparse.Namespace) -> run.Order:
    """Check everything that can be checked before anything is made, and return the order."""
    deployment = _deployment(asked)
    if asked.run_directory:
        _require_replaceable(asked.run_directory.resolve())
    known = branches.table(asked)
    run_id = store.run_id(datetime.now(UTC), deployment.name, groups.new_token())
    return run.Order(
        command=asked.command,
        arguments=tuple(asked.words),
        deployment=deployment,
        sources=branches.sources(asked, deployment, known),
        projects=known,
        suites=_suites(deployment, asked),
        limits=_limits(deployment, asked.timeout),
        run=run_id,
        run_directory=(asked.run_directory or asked.output / run_id).resolve(),
        state=_plain(asked.state_dir, "--state-dir"),
        cache=_plain(asked.cache_dir, "--cache-dir"),
        keep=asked.keep or "never",
        group=asked.group,
        until=asked.until,
        may_install=not asked.no_install,
        allow_dirty=asked.allow_dirty,
    )


def clear(asked: argparse.Namespace) -> None:
    """Remove the earlier run in the run directory that was named, if this one is to be made.

    So a build that ends at its check has nothing of the build before to archive.
    """
    if not asked.run_directory or asked.dry_run:
        return
    _await_end(asked.run_directory)
    _require_replaceable(asked.run_directory.resolve())
    remove(asked.run_directory.resolve())


def carry_out(asked: argparse.Namespace, wanted: run.Order) -> tuple[Record, Group | None]:
    """Carry the order out, with progress on standard error."""
    try:
        remove(wanted.run_directory)
        expected = _estimate(asked, wanted)
        with Progress(sys.stderr, expected.phases) as progress:
            if expected.runs:
                progress.say(_forecast(expected))
            return run.execute(wanted, progress)
    except OSError as error:
        raise InfrastructureError(f"The results cannot be written: {error}.") from error


def carry_out_sides(
    run_directory: Path, execute: Callable[[Progress], tuple[Record, list[Group]]]
) -> tuple[Record, list[Group]]:
    """Carry out a run of two sides, with progress on standard error."""
    try:
        remove(run_directory)
        with Progress(sys.stderr, {}) as progress:
            return execute(progress)
    except OSError as error:
        raise InfrastructureError(f"The results cannot be written: {error}.") from error


def _estimate(asked: argparse.Namespace, wanted: run.Order) -> Estimate:
    records = runs.iter_records(asked.output, wanted.deployment.name)
    try:
        return estimate.estimate(records, _expected_phases(wanted))
    except ConfigurationError:
        return Estimate()  # whoever cannot read the results learns it when they are written


def _expected_phases(wanted: run.Order) -> set[str]:
    """Return the phases of the run when all is well, besides those of its end."""
    made = {"create"} if wanted.group else set(_phases(wanted))
    skipped = set() if wanted.deployment.software else {"deploy"}
    return {"check", *(made - skipped), *_suite_names(wanted)}


def _forecast(expected: Estimate) -> str:
    which = f"the last {expected.runs} runs" if expected.runs > 1 else "the last run"
    return f"about {expected.seconds:.0f} s, as {which}"


def exit_code(asked: argparse.Namespace, record: Record) -> int:
    """Return the exit code of a finished run."""
    is_unstable = verdict.VERDICTS[record.verdict].hudson == "unstable"
    return 0 if asked.ci and is_unstable else record.exit_code


def print_plan(asked: argparse.Namespace, wanted: run.Order) -> None:
    """Say what a run would do."""
    plan: dict[str, str | list[str]] = {
        "deployment": wanted.deployment.name,
        "group": wanted.group or "new",
        "phases": _phases(wanted),
        "sources": told_sources(wanted),
        "suites": _suite_names(wanted),
        "keep": wanted.keep,
        "run_directory": str(wanted.run_directory),
    }
    show_plan(asked, plan, "none")


def told_sources(wanted: run.Order) -> list[str]:
    """Return the sources of an order as a plan tells them."""
    return [f"{one.project}={one.text} ({one.method})" for one in wanted.sources]


def show_plan(asked: argparse.Namespace, plan: Mapping[str, Any], empty: str) -> None:
    """Print a plan, as JSON where that was asked for; `empty` stands for what has nothing in it."""
    if asked.json:
        print(json.dumps({"plan": plan}, indent=2, sort_keys=True))
        return
    for name, value in plan.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name.replace('_', ' ')}: {empty if text in ('', None) else text}")


def show(run_directory: Path, kept: Iterable[Group]) -> None:
    """Print the report of a run, which groups outlive it, and how to remove them."""
    print((run_directory / "report.txt").read_text(encoding="utf-8"))
    for group in kept:
        show_kept(group)


def show_kept(group: Group) -> None:
    """Say that a group outlives its run, and how to remove it."""
    print(f"The group {group.name} is kept; remove it with: osci delete {group.name}")


def _phases(wanted: run.Order) -> list[str]:
    """Return the phases that make the group."""
    if wanted.group:
        return []
    phases = PHASES[: PHASES.index(wanted.until) + 1] if wanted.until else PHASES
    # Bare hosts and a Hudson are of no project's code.
    return [phase for phase in phases if phase != "fetch" or wanted.deployment.services]


def _suite_names(wanted: run.Order) -> list[str]:
    return [] if wanted.until else [suite.name for suite in wanted.suites]


def _plain(path: Path, option: str) -> Path:
    """Return the whole path; mount options and ssh's configuration know no quoting for others."""
    whole = path.resolve()
    if not re.fullmatch(r"[\w./+@=-]+", str(whole), re.ASCII):
        raise ConfigurationError(
            f"{option}: found {str(whole)!r}, expected a path of letters, digits and ./_+@=- only."
        )
    return whole


def _deployment(asked: argparse.Namespace) -> Deployment:
    if not asked.group:
        if not asked.deployment:
            raise ConfigurationError("Give the name of a deployment, or --group GROUP.")
        return _configured(asked, asked.deployment)
    group = groups.look_up(asked.state_dir, asked.group)
    if asked.deployment not in (None, group.deployment):
        raise ConfigurationError(
            f"The group '{group.name}' is of the deployment '{group.deployment}', "
            f"not '{asked.deployment}'."
        )
    deployment = _configured(asked, group.deployment)
    if not groups.fits(group, deployment):
        raise ConfigurationError(
            f"'{deployment.path}' has other hosts or services now than the group "
            f"'{group.name}' was made with."
        )
    return deployment


def _configured(asked: argparse.Namespace, name: str) -> Deployment:
    deployment = configuration.deployment(asked, name)
    if asked.command == "stress":
        return scenarios.deployment(asked, deployment)
    if asked.command == "regression" and not asked.suites_only:
        return scenarios.beside_suites(asked, deployment)
    return deployment


def _suites(deployment: Deployment, asked: argparse.Namespace) -> tuple[Suite, ...]:
    known = [suite.name for suite in deployment.suites]
    for name in asked.suite:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ConfigurationError(
                f"{asked.suite_origin}: The deployment '{deployment.name}' has no suite "
                f"{clip(repr(name), _SHOWN_CHARACTERS)}; "
                f"it has: {', '.join(known) or 'none'}.{hint}"
            )
    return tuple(
        suite for suite in deployment.suites if not asked.suite or suite.name in asked.suite
    )


def _limits(deployment: Deployment, words: list[str]) -> Mapping[str, Limit]:
    limits = dict(deployment.limits)
    for word in words:
        phase, _, number = word.rpartition("=")
        phase = phase or "run"
        try:
            seconds = float(number)
        except ValueError:
            seconds = 0.0
        if phase not in limits or not 0 < seconds < float("inf"):
            raise ConfigurationError(
                f"--timeout: found {word!r}, expected seconds above 0, or PHASE=SECONDS "
                f"with one of {', '.join(sorted(limits))}."
            )
        silence = min(seconds, limits[phase].silence_seconds)
        limits[phase] = replace(limits[phase], seconds=seconds, silence_seconds=silence)
    return limits


def _await_end(directory: Path) -> None:
    """Give the run of an aborted build the time to end, for the next build comes at once."""
    until = time.monotonic() + _END_SECONDS
    if runs.is_under_way(directory):
        print(f"Waiting for the end of the run in '{directory}'.", file=sys.stderr)
    while runs.is_under_way(directory) and time.monotonic() < until:
        time.sleep(0.2)


def _require_replaceable(directory: Path) -> None:
    """See that the directory that was named is free or an earlier run's; nothing else goes."""
    try:
        there = sorted(path.name for path in directory.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"--run-directory: '{directory}': {error.strerror}.") from error
    runs.require_ended(directory)
    if there and store.LOG not in there:
        raise ConfigurationError(
            f"--run-directory: '{directory}' holds '{there[0]}' and is not the directory of a run."
        )


def remove(directory: Path) -> None:
    """Remove the directory of an earlier run, if there is one."""
    try:
        if directory.exists():
            shutil.rmtree(directory)
    except OSError as error:
        raise InfrastructureError(f"The results cannot be written: {error}.") from error
