# SPDX-License-Identifier: Apache-2.0
"""The parameters of a job on a Hudson: each is the default of an option, by the environment."""

import argparse
import re
from collections.abc import Mapping

from osci_jobs.cli.arguments import KEEP, METHODS
from osci_jobs.errors import ConfigurationError
from osci_jobs.results.escape import clip

# What a command has several of, by name, as option and parameter.
_NAMES = {"functional": ("suite", "SUITES"), "stress": ("scenario", "SCENARIOS")}
# The parameters of each family's jobs, each with the option that it feeds.
PARAMETERS = {
    family: {"BRANCH": "--branch", "MERGE": "--merge", name: f"--{option}", "KEEP": "--keep"}
    for family, (option, name) in _NAMES.items()
}

_SHOWN_CHARACTERS = 60
_SEPARATORS = re.compile(r"[\s,]+")


def applied(asked: argparse.Namespace, environment: Mapping[str, str]) -> argparse.Namespace:
    """Return what was asked for, with the parameters in the place of options that are not there.

    They are added to `words`, so that the report says how to run it again.
    Raises ConfigurationError that names the parameter.
    """
    words: list[str] = []
    values = vars(asked).copy()
    option, parameter = _NAMES[asked.command]
    if not values[option]:
        names = _names(environment, parameter)
        values |= {option: names, f"{option}_origin": parameter}
        words += [word for name in names for word in (f"--{option}", name)]
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

    Raises ConfigurationError for a name that a parameter cannot hold, and for an option
    that is none of the job's family.
    """
    for family, (option, _) in _NAMES.items():
        _check_names(option, vars(asked)[option], family, asked.family)
    option, parameter = _NAMES[asked.family]
    values = {
        "BRANCH": " ".join(asked.branch),
        "MERGE": asked.method,
        parameter: " ".join(vars(asked)[option]),
        "KEEP": asked.keep,
    }
    return {name: value for name, value in values.items() if value}


def _check_names(option: str, names: list[str], family: str, asked_family: str) -> None:
    if names and family != asked_family:
        raise ConfigurationError(
            f"--{option}: found one, expected none, for jobs of the family '{asked_family}' "
            "have no such parameter."
        )
    for name in names:
        if not name or _SEPARATORS.search(name):
            shown = clip(repr(name), _SHOWN_CHARACTERS)
            raise ConfigurationError(
                f"--{option}: found {shown}, expected the name of one {option}."
            )


def _names(environment: Mapping[str, str], parameter: str) -> list[str]:
    return [word for word in _SEPARATORS.split(environment.get(parameter, "")) if word]


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
