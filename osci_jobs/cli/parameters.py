# SPDX-License-Identifier: Apache-2.0
"""The parameters of a job on a Hudson: each is the default of an option, by the environment."""

import argparse
import re
from collections.abc import Mapping

from osci_jobs.cli.arguments import KEEP, METHODS
from osci_jobs.errors import ConfigurationError
from osci_jobs.results.escape import clip

# Each parameter with the option that it feeds.
PARAMETERS = {"BRANCH": "--branch", "MERGE": "--merge", "SUITES": "--suite", "KEEP": "--keep"}

_SHOWN_CHARACTERS = 60
_SEPARATORS = re.compile(r"[\s,]+")


def applied(asked: argparse.Namespace, environment: Mapping[str, str]) -> argparse.Namespace:
    """Return what was asked for, with the parameters in the place of options that are not there.

    They are added to `words`, so that the report says how to run it again.
    Raises ConfigurationError that names the parameter.
    """
    words: list[str] = []
    values = vars(asked).copy()
    if not asked.suite:
        values |= {"suite": _suites(environment), "suite_origin": "SUITES"}
        words += [word for suite in values["suite"] for word in ("--suite", suite)]
    if not asked.branch and (branches := _branches(environment)):
        values |= {"branch": branches, "branch_origin": "BRANCH", "is_for_job": True}
        words += [word for branch in branches for word in ("--branch", branch)]
    if not asked.method and (method := _word(environment, "MERGE", tuple(METHODS))):
        values["method"] = method
        words.append(f"--{method}")
    if not asked.keep and (keep := _word(environment, "KEEP", KEEP)):
        values["keep"] = keep
        words += ["--keep", keep]
    return argparse.Namespace(**values | {"words": [*asked.words, *words]})


def asked_for(asked: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that a job gets for the options that are there.

    Raises ConfigurationError for the name of a suite that a parameter cannot hold.
    """
    for name in asked.suite:
        if not name or _SEPARATORS.search(name):
            shown = clip(repr(name), _SHOWN_CHARACTERS)
            raise ConfigurationError(f"--suite: found {shown}, expected the name of one suite.")
    values = {
        "BRANCH": " ".join(asked.branch),
        "MERGE": asked.method,
        "SUITES": " ".join(asked.suite),
        "KEEP": asked.keep,
    }
    return {name: value for name, value in values.items() if value}


def _suites(environment: Mapping[str, str]) -> list[str]:
    return [word for word in _SEPARATORS.split(environment.get("SUITES", "")) if word]


def _branches(environment: Mapping[str, str]) -> list[str]:
    return environment.get("BRANCH", "").split()


def _word(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    word = environment.get(name, "").strip()
    if word not in ("", *words):
        shown = clip(repr(word), _SHOWN_CHARACTERS)
        raise ConfigurationError(f"{name}: found {shown}, expected {_either(words)}.")
    return word


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
