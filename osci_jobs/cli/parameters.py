# SPDX-License-Identifier: Apache-2.0
"""The parameters of a job on a Hudson: each is the default of an option, by the environment."""

import argparse
import re
from collections.abc import Mapping

from osci_jobs.cli.arguments import KEEP
from osci_jobs.errors import ConfigurationError
from osci_jobs.results.escape import clip

# Each parameter with the option that it feeds.
PARAMETERS = {"SUITES": "--suite", "KEEP": "--keep"}

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
    if not asked.keep and (keep := _keep(environment)):
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
    values = {"SUITES": " ".join(asked.suite), "KEEP": asked.keep}
    return {name: value for name, value in values.items() if value}


def _suites(environment: Mapping[str, str]) -> list[str]:
    return [word for word in _SEPARATORS.split(environment.get("SUITES", "")) if word]


def _keep(environment: Mapping[str, str]) -> str:
    word = environment.get("KEEP", "").strip()
    if word not in ("", *KEEP):
        shown = clip(repr(word), _SHOWN_CHARACTERS)
        raise ConfigurationError(f"KEEP: found {shown}, expected never, failed or always.")
    return word
