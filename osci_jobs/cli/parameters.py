# SPDX-License-Identifier: Apache-2.0
"""The parameters of a job on a Hudson: each is the default of an option, by the environment."""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from osci_jobs.cli.arguments import KEEP, METHODS, MOST_PAIRS
from osci_jobs.errors import ConfigurationError
from osci_jobs.results.escape import clip

_SHOWN_CHARACTERS = 60
_SEPARATORS = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Parameter:
    """A parameter, and the option whose default it is.

    `read` makes the option's value of a text that is not empty, and raises
    ConfigurationError that names the parameter.
    """

    name: str
    option: str  # as it is written
    key: str  # as the parsed arguments have it
    read: Callable[["Parameter", str], Any]
    noun: str = ""  # what each of its names is the name of

    def told(self, value: Any) -> list[str]:
        """Return the words of a command line that say the same."""
        if self.key == "method":
            return [f"--{value}"]
        each = value if isinstance(value, list) else [value]
        return [word for one in each for word in (self.option, str(one))]


def _names(_parameter: Parameter, text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text) if word]


def _branches(_parameter: Parameter, text: str) -> list[str]:
    return text.split()


def _method(parameter: Parameter, text: str) -> str:
    return _word(parameter, text, tuple(METHODS))


def _keep(parameter: Parameter, text: str) -> str:
    return _word(parameter, text, KEEP)


def _word(parameter: Parameter, text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        shown, expected = clip(repr(text), _SHOWN_CHARACTERS), _either(words)
        raise ConfigurationError(f"{parameter.name}: found {shown}, expected {expected}.")
    return text


def _pairs(parameter: Parameter, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= MOST_PAIRS:
        shown = clip(repr(text), _SHOWN_CHARACTERS)
        raise ConfigurationError(
            f"{parameter.name}: found {shown}, expected a whole number from 1 to {MOST_PAIRS}."
        )
    return int(text)


_BRANCH = Parameter("BRANCH", "--branch", "branch", _branches)
_MERGE = Parameter("MERGE", "--merge", "method", _method)
_KEEP = Parameter("KEEP", "--keep", "keep", _keep)
_SUITES = Parameter("SUITES", "--suite", "suite", _names, "suite")
_SCENARIOS = Parameter("SCENARIOS", "--scenario", "scenario", _names, "scenario")
_MAIL_TO = Parameter("MAIL_TO", "--mail-to", "mail_to", _names, "address")
_PAIRS = Parameter("PAIRS", "--pairs", "pairs", _pairs)
_OF_FAMILY = {
    "functional": (_BRANCH, _MERGE, _SUITES, _KEEP),
    "stress": (_BRANCH, _MERGE, _SCENARIOS, _KEEP),
    "regression": (_BRANCH, _MERGE, _MAIL_TO, _PAIRS),
}
_ALL = tuple(dict.fromkeys(one for those in _OF_FAMILY.values() for one in those))
# The parameters of each family's jobs, each with the option that it feeds.
PARAMETERS = {
    family: {one.name: one.option for one in those} for family, those in _OF_FAMILY.items()
}


def applied(asked: argparse.Namespace, environment: Mapping[str, str]) -> argparse.Namespace:
    """Return what was asked for, with the parameters in the place of options that are not there.

    They are added to `words`, so that the report says how to run it again.
    Raises ConfigurationError that names the parameter.
    """
    words: list[str] = []
    values = vars(asked).copy()
    for one in _OF_FAMILY[asked.command]:
        text = environment.get(one.name, "").strip()
        if values[one.key] or not text:
            continue
        found = one.read(one, text)
        values |= {one.key: found, f"{one.key}_origin": one.name}
        words += one.told(found)
        if one is _BRANCH:
            values["is_for_job"] = True
    return argparse.Namespace(**values | {"words": [*asked.words, *words]})


def asked_for(asked: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that a job gets for the options that are there.

    Raises ConfigurationError for a name that a parameter cannot hold, and for an option
    that is none of the job's family.
    """
    values = {one: vars(asked)[one.key] for one in _ALL if vars(asked)[one.key]}
    for one, value in values.items():
        _check(one, value, asked.family)
    return {one.name: _text(value) for one, value in values.items()}


def _check(one: Parameter, value: Any, family: str) -> None:
    if one not in _OF_FAMILY[family]:
        raise ConfigurationError(
            f"{one.option}: found one, expected none, for jobs of the family '{family}' "
            "have no such parameter."
        )
    for name in value if one.noun else ():
        if not name or _SEPARATORS.search(name):
            shown = clip(repr(name), _SHOWN_CHARACTERS)
            expected = "an address" if one is _MAIL_TO else f"the name of one {one.noun}"
            raise ConfigurationError(f"{one.option}: found {shown}, expected {expected}.")


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
