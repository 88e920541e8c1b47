# SPDX-License-Identifier: Apache-2.0
"""What `--branch` and its kin ask for: a source for each project that is not to be as pinned."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from osci_jobs.deployment import Deployment, Source, notation, projects
from osci_jobs.deployment.faults import show
from osci_jobs.deployment.projects import Projects
from osci_jobs.deployment.sources import placed
from osci_jobs.errors import ConfigurationError


def table(asked: argparse.Namespace) -> Projects:
    """Return the projects, by the file of `--projects` where that is given."""
    return projects.load(asked.projects)


def sources(
    asked: argparse.Namespace, deployment: Deployment, known: Projects
) -> tuple[Source, ...]:
    """Return the sources of a run: those of the deployment, and those of the command line.

    Raises ConfigurationError with all that is wrong on the command line.
    """
    faults: list[str] = []
    trunks = _by_project(asked.trunk, "--trunk", known, faults)
    written = _by_project(asked.branch, asked.branch_origin, known, faults)
    found = {source.project: source for source in deployment.sources}
    for project, text in written.items():
        source = _parsed(asked, project, text, trunks.get(project, ""), faults)
        if source:
            found[project] = source
    faults += _iter_misplaced(asked, trunks, deployment)
    if asked.method and not faults and all(one.kind == "release" for one in found.values()):
        faults.append(f"--{asked.method}: there is no --branch that could meet trunk.")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(found[project] for project in sorted(found))


def parameter(asked: argparse.Namespace, known: Projects) -> list[str]:
    """Return what the parameter BRANCH of a job is to hold, a word for each `--branch`.

    Raises ConfigurationError with all that is wrong with them.
    """
    faults: list[str] = []
    written = _by_project(asked.branch, asked.branch_origin, known, faults)
    for project, text in written.items():
        _parsed(asked, project, text, "", faults)
    if faults:
        raise ConfigurationError("\n".join(faults))
    return [f"{project}={text}" for project, text in written.items()]


def of_launchpad(paths: list[str]) -> list[str]:
    """Return branches of Launchpad as words of `--branch`, with the project that each is of.

    Raises ConfigurationError for what names no project.
    """
    words = []
    for path in paths:
        bare = path.removeprefix("lp:")
        parts = bare.partition(":")[0].split("/")
        project = parts[1:2] if bare.startswith("~") else parts[:1]
        if not project or not project[0]:
            raise ConfigurationError(
                f"--launchpad: found {show(path)}, expected ~OWNER/PROJECT/BRANCH."
            )
        words.append(f"{project[0]}=lp:{bare}")
    return words


def _iter_misplaced(
    asked: argparse.Namespace, trunks: dict[str, str], deployment: Deployment
) -> Iterator[str]:
    branched = {word.partition("=")[0] for word in asked.branch}
    for project in trunks:
        if project not in branched:
            yield f"--trunk: there is no --branch of '{project}' for it."
    if asked.branch and not deployment.services:
        yield f"{asked.branch_origin}: the deployment '{deployment.name}' places no services."
    if asked.branch and asked.group:
        yield f"{asked.branch_origin}: the group '{asked.group}' has its software already."


def _by_project(
    words: list[str], origin: str, known: Projects, faults: list[str]
) -> dict[str, str]:
    """Return the texts by project; what is malformed goes to `faults`."""
    texts: dict[str, str] = {}
    for word in words:
        project, equals, text = word.partition("=")
        if not equals or not text:
            faults.append(f"{origin}: found {show(word)}, expected PROJECT=SOURCE.")
        elif project not in known.by_name:
            advice = projects.advice(project, known.by_name)
            faults.append(f"{origin}: There is no project {show(project)}.{advice}")
        elif project in texts:
            faults.append(f"{origin}: '{project}' is there a second time.")
        else:
            texts[project] = text
    return texts


def _parsed(
    asked: argparse.Namespace, project: str, text: str, trunk: str, faults: list[str]
) -> Source | None:
    origin = asked.branch_origin
    try:
        source = notation.parse(project, text, asked.method or asked.default_method)
    except notation.MalformedSourceError as error:
        faults.append(f"{origin}: {project}: found {show(text)}, expected {error}.")
        return None
    if asked.is_for_job and notation.is_local(source):
        faults.append(
            f"{origin}: {project}: found {show(text)}, expected no path, for the machine "
            "of a job's agent has none that is yours."
        )
        return None
    try:
        url, ref = notation.parse_trunk(trunk)
    except notation.MalformedSourceError as error:
        faults.append(f"--trunk: {project}: found {show(trunk)}, expected {error}.")
        return None
    return placed(replace(source, trunk_url=url, trunk_ref=ref), Path.cwd())
