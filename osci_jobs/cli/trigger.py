# SPDX-License-Identifier: Apache-2.0
"""`osci trigger`: start a deployment's job on a Hudson or Jenkins, and follow its build."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from osci_jobs.cli import aside, branches, parameters
from osci_jobs.cli.progress import Progress
from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Projects
from osci_jobs.errors import InterruptionError
from osci_jobs.hudson import account, build, outcome, trigger
from osci_jobs.hudson.build import Build, Item, Job
from osci_jobs.hudson.following import Follower
from osci_jobs.hudson.outcome import Outcome
from osci_jobs.hudson.server import Server
from osci_jobs.results.escape import visible, visible_line
from osci_jobs.sources import launchpad
from osci_jobs.sources.attempts import QUESTION_SECONDS, Patience

# What Launchpad says of branches, by project.
Proposals = dict[str, dict[str, str]]

# With --no-wait: longer than the quiet period in which a job waits for more of the same.
_START_SECONDS = 30.0


def call(asked: argparse.Namespace) -> int:
    """Start the job; print verdict and report, and exit as the run did."""
    name = trigger.job_name(asked.family, asked.deployment)
    known = branches.table(asked)
    proposed = branches.of_launchpad(asked.launchpad)
    asked.branch = [*asked.branch, *proposed]
    asked.branch = branches.parameter(asked, known)
    wanted = parameters.asked_for(asked)
    proposals = _proposals(proposed, known)
    server = Server(_account(asked))
    server.dialect()  # raises what is wrong with address and account
    job = trigger.find_job(server, name)
    options = {name: parameters.PARAMETERS[asked.family][name] for name in wanted}
    trigger.check_parameters(server, job, options)
    if asked.dry_run:
        _print(asked, _plan(server, job, wanted, proposals))
        return 0
    return _carry_out(asked, server, job, wanted, proposals)


def _account(asked: argparse.Namespace) -> account.Account:
    found = account.find(asked.conf, os.environ, Path.home())
    if warning := account.warning(found):
        aside.say(warning)
    return found


def _proposals(words: list[str], known: Projects) -> Proposals:
    """Return what Launchpad says of each of its branches, by project."""
    patience = Patience(QUESTION_SECONDS, aside.say)
    found: Proposals = {}
    for word in words:
        project, _, text = word.partition("=")
        place = launchpad.find(known, notation.parse(project, text), patience)
        found[project] = dict(place.details)
    return found


def _carry_out(
    asked: argparse.Namespace,
    server: Server,
    job: Job,
    wanted: dict[str, str],
    proposals: Proposals,
) -> int:
    with Progress(sys.stderr, {"build": job.seconds}) as progress:
        follower = _start(server, job, wanted, progress)
        try:
            item = follower.await_start(_START_SECONDS if asked.no_wait else float("inf"))
            if asked.no_wait:
                _print(asked, _document(server, follower, proposals, item=item))
                return 0
            ended, console = follower.await_end()
            found = outcome.find(server, job.name, ended, console.last)
        except trigger.CancelledError:
            raise
        except InterruptionError as error:
            raise _left(error, follower) from error
    _print(asked, _document(server, follower, proposals, ended=ended, found=found))
    return found.exit_code


def _start(server: Server, job: Job, wanted: dict[str, str], progress: Progress) -> Follower:
    try:
        return Follower(server, trigger.start(server, job, wanted), progress)
    except InterruptionError as error:
        raise InterruptionError(
            error.signal_number,
            f"Interrupted while a build of the job '{job.name}' was asked for; see whether it "
            f"came: {build.job_url(server, job.name)}",
        ) from error


def _left(error: InterruptionError, follower: Follower) -> InterruptionError:
    number = follower.asked.number
    what = f"Build {number}" if number else "The build"
    return InterruptionError(
        error.signal_number, f"Interrupted. {what} goes on without being followed: {follower.url}"
    )


def _plan(server: Server, job: Job, wanted: dict[str, str], proposals: Proposals) -> dict[str, Any]:
    plan = {
        "job": job.name,
        "url": build.job_url(server, job.name),
        "parameters": {**job.parameters, **wanted},
        "last_result": job.last,
        "is_building": job.is_building,
        "seconds": job.seconds,
        "proposals": proposals,
    }
    return {"plan": plan}


def _document(
    server: Server,
    follower: Follower,
    proposals: Proposals,
    item: Item | None = None,
    ended: Build | None = None,
    found: Outcome | None = None,
) -> dict[str, Any]:
    """Return what `--json` prints; what is not known is null."""
    asked = follower.asked
    return {
        "server": server.url,
        "job": asked.job,
        "parameters": dict(asked.parameters),
        "build": asked.number or None,
        "url": follower.url,
        "queue": {"place": item.place, "length": item.length, "why": item.why} if item else None,
        "agent": ended.agent if ended else None,
        "result": ended.result if ended else None,
        "seconds": ended.seconds if ended else None,
        "verdict": found.verdict if found else None,
        "exit_code": found.exit_code if found else None,
        "cause": found.cause if found else None,
        "report": found.report or None if found else None,
        "proposals": proposals,
    }


def _print(asked: argparse.Namespace, document: dict[str, Any]) -> None:
    if asked.json:
        print(json.dumps(document, indent=2, sort_keys=True))
    else:
        print("\n".join(_lines(document)))


def _lines(document: dict[str, Any]) -> list[str]:
    """Return the same for people; a stranger's text has no control over their terminal."""
    if plan := document.get("plan"):
        return [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in plan.items()]
    lines = []
    if document["verdict"]:
        lines = [f"{document['verdict']}: {document['job']} #{document['build']}"]
        lines += [visible(document["cause"])] if document["cause"] else []
        lines += [f"report: {document['report']}"] if document["report"] else []
    for project, details in document["proposals"].items():
        lines.append(visible_line(f"{project}: {_proposal(details)}"))
    return [*lines, document["url"]]


def _proposal(details: dict[str, str]) -> str:
    if "proposal_url" not in details:
        return "there is no open merge proposal of the branch"
    told = f"proposed for {details.get('proposal_target', '')}"
    return f"{told} ({details.get('proposal_status', '')}): {details['proposal_url']}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return visible_line(", ".join(f"{name}={text!r}" for name, text in value.items()))
    return visible_line(str(value))
