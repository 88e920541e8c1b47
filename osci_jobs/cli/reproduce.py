# SPDX-License-Identifier: Apache-2.0
"""`osci reproduce`: a run again, from the same commits, layers and suites."""

import argparse
import importlib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osci_jobs.cli import arguments, aside, configuration
from osci_jobs.deployment import notation
from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import document
from osci_jobs.regression.sides import SIDES
from osci_jobs.results import record, runs, store
from osci_jobs.results.escape import visible_line
from osci_jobs.results.record import Record
from osci_jobs.run import provenance

# What the command line of the run says besides its sources, and what it says it by.
_KEPT = {
    "suite": "--suite",
    "scenario": "--scenario",
    "stress_config_dir": "--stress-config-dir",
    "pairs": "--pairs",
    "budget": "--budget",
    "until_clear": "--until-clear",
    "suites_only": "--suites-only",
    "stress_only": "--stress-only",
    "null": "--null",
    "until": "--until",
    "keep": "--keep",
    "timeout": "--timeout",
    "deployment_config_dir": "--deployment-config-dir",
    "projects": "--projects",
    "cache_dir": "--cache-dir",
    "no_install": "--no-install",
}


def call(asked: argparse.Namespace) -> int:
    """Print the command, or carry it out; what differs by now is said on standard error."""
    directory = runs.find(asked.output, asked.run)
    found = record.load(directory / store.RUN)
    words = _words(found, directory)
    again = arguments.parser().parse_args(words, argparse.Namespace(words=words[1:]))
    notes = list(_iter_notes(found, again))
    for note in notes:
        aside.say(note)
    if asked.is_to_run:
        again.json, again.output = asked.json, asked.output
        return int(importlib.import_module(f"osci_jobs.cli.{again.command}").call(again))
    if asked.json:
        print(json.dumps({"command": ["osci", *words], "notes": notes}, indent=2, sort_keys=True))
    else:
        print(visible_line(shlex.join(["osci", *words])))
    return 0


def _words(found: Record, directory: Path) -> list[str]:
    """Return the words that give the run again.

    Raises ConfigurationError for a run whose sources are not known, or that was on a
    group that was there.
    """
    then = _parsed(found)
    if then.group:
        raise ConfigurationError(
            f"The run '{found.run}' was on the group '{then.group}'; "
            "reproduce the run that made that."
        )
    words = [found.command, found.deployment["name"]]
    if getattr(then, "against", None) is not None:
        words += _against_words(found, directory, then)
    elif found.command == "regression":
        words += [*_proposed_words(found, then.branch), *_seed_words(directory)]
    else:
        words += _branch_words(found, then.branch)
    return [*words, *_kept_words(then)]


def _branch_words(found: Record, asked: list[str]) -> list[str]:
    """Return the options of a run's sources; `asked` are those that were asked for."""
    sources = {name: source for name, source in found.sources.items() if source["text"]}
    if len(sources) < len(asked) or not all(map(_is_known, sources.values())):
        raise ConfigurationError(
            f"The run '{found.run}' ended before all of its sources were known."
        )
    return [word for project, source in sources.items() for word in _source_words(project, source)]


def _against_words(found: Record, directory: Path, then: argparse.Namespace) -> list[str]:
    """Return the options of both sides of a run, and the seed by which they took turns."""
    before, after = (record.load(directory / side / store.RUN) for side in SIDES)
    against = _branch_words(before, [word for word in then.against if word])
    if "--trunk" in against:
        raise ConfigurationError(
            f"The first side of the run '{found.run}' is merged with trunk, and no option of "
            "'osci stress' says that; give its merged commit a branch."
        )
    words = ["--against" if word == "--branch" else word for word in against] or ["--against"]
    return [*words, *_branch_words(after, then.branch), *_seed_words(directory)]


def _proposed_words(found: Record, asked: list[str]) -> list[str]:
    """Return the options of what was proposed alone, for all else is the same on both sides."""
    projects = {word.partition("=")[0] for word in asked}
    sources = {name: source for name, source in found.sources.items() if name in projects}
    return _branch_words(replace(found, sources=sources), asked)


def _seed_words(directory: Path) -> list[str]:
    """Return the option of the seed by which two sides took turns, if they did."""
    compared = document.read(directory / document.FILE)
    return ["--seed", str(compared.plan["seed"])] if compared else []


def _parsed(found: Record) -> argparse.Namespace:
    """Return the arguments of a run; raise ConfigurationError where this osci has none such."""
    if found.command not in ("create", "functional", "stress", "regression"):
        raise ConfigurationError(f"The run '{found.run}' is none that can be reproduced.")
    words = [found.command, *found.arguments]
    return arguments.parser().parse_args(words, argparse.Namespace(words=words[1:]))


def _is_known(source: Mapping[str, Any]) -> bool:
    return bool(source["kind"] == "release" or source["merged"])


def _source_words(project: str, source: Mapping[str, Any]) -> list[str]:
    """Return the options that take the commits of a source, whatever its branch is by now."""
    if source["kind"] == "release":
        return ["--branch", f"{project}={source['ref']}"]
    words = ["--branch", f"{project}={source['method']}:{_place(source)}"]
    trunk = source["trunk"]
    if not trunk:
        return words
    # Where no git has the trunk, as with Bazaar, the mirror does.
    if notation.is_git_url(source["trunk_url"]):
        trunk = f"{source['trunk_url']}@{trunk}"
    return [*words, "--trunk", f"{project}={trunk}"]


def _place(source: Mapping[str, Any]) -> str:
    if notation.is_git_url(source["url"]):
        return f"{source['url']}@{source['proposed']}"
    if source["kind"] == "launchpad":
        branch = source["text"].partition("lp:")[2].partition("@")[0]
        return f"lp:{branch}@{source['proposed']}"
    return f"file://{source['url']}@{source['proposed']}"


def _kept_words(then: argparse.Namespace) -> Iterator[str]:
    defaults = arguments.parser().parse_args([then.command, "x"])
    for name, option in _KEPT.items():
        value = getattr(then, name, None)
        if value == getattr(defaults, name, None):
            continue
        if value is True:
            yield option
            continue
        for item in value if isinstance(value, list) else [value]:
            yield from (option, str(item))


def _iter_notes(found: Record, again: argparse.Namespace) -> Iterator[str]:
    """Yield what is not as it was when the run was made."""
    deployment = configuration.deployment(again, again.deployment)
    if deployment.digest != found.deployment["digest"]:
        yield f"The deployment '{deployment.name}' is not what it was in the run."
    made = found.provenance
    where = f"; the run was by osci at {made['commit']}" if made.get("commit") else ""
    now = {
        "playbooks": provenance.tree_digest(provenance.PLAYBOOKS),
        "constraints": provenance.file_digest(provenance.CONSTRAINTS),
    }
    for name, digest in now.items():
        if made.get(name) and made[name] != digest:
            yield f"The {name} are not those of the run{where}."
