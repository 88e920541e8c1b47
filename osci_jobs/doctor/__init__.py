# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a run: checks of this machine, its registries and a deployment.

A check is a function that returns its answer or raises an OsciError, which is
trouble. No check changes anything, and none keeps the others from being made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from osci_jobs.deployment import Deployment
from osci_jobs.doctor import machine, plan, registries
from osci_jobs.doctor.answer import OK, TROUBLE, Answer, Places
from osci_jobs.errors import ConfigurationError, InterruptionError, OsciError

__all__ = ["DEPLOYMENT", "NAMES", "TROUBLE", "Finding", "Places", "examine"]

DEPLOYMENT = "deployment"
# What an error that does not say it itself leaves to do.
_MIRROR_REMEDY = "See that apt's sources and proxy are right, and that the mirror answers."
_INDEX_REMEDY = "See that pip's index-url and proxy are right, and that the index answers."
_FILE_REMEDY = "Correct the file, or name another deployment; 'osci check --all' shows them."

_MACHINE: dict[str, tuple[Callable[[Places], Answer], str]] = {
    "rights": (machine.rights, ""),
    "namespaces": (machine.namespaces, ""),
    "control groups": (machine.control_groups, ""),
    "packages": (machine.packages, ""),
    "cache": (machine.cache, ""),
    "state": (machine.state, ""),
    "results": (machine.results, ""),
    "memory": (machine.memory, ""),
    "groups": (machine.leftovers, ""),
    "apt": (registries.apt, _MIRROR_REMEDY),
    "pip": (registries.pip, _INDEX_REMEDY),
    "clock": (registries.clock, _MIRROR_REMEDY),
}
_PLAN: dict[str, Callable[[Places, Deployment], Answer]] = {
    "hosts": plan.hosts,
    "layers": plan.layers,
    "programs": plan.programs,
}
NAMES = (*_MACHINE, DEPLOYMENT, *_PLAN)


@dataclass(frozen=True)
class Finding:
    """What a check found: its name, ok, note or trouble, a sentence, and what to do."""

    name: str
    outcome: str
    message: str
    remedy: str


def examine(places: Places, load: Callable[[], Deployment] | None) -> Iterator[Finding]:
    """Make each check and yield what it found.

    `load` brings the deployment that is to run, None when there is none. Checks
    of its hosts are left out when its file is wrong.
    """
    for name, (check, remedy) in _MACHINE.items():
        yield _find(name, partial(check, places), remedy)
    if load is None:
        return
    try:
        deployment = load()
    except ConfigurationError as error:
        yield Finding(DEPLOYMENT, TROUBLE, str(error), _FILE_REMEDY)
        return
    yield Finding(DEPLOYMENT, OK, f"'{deployment.path}' is right.", "")
    for name, look in _PLAN.items():
        yield _find(name, partial(look, places, deployment), "")


def _find(name: str, check: Callable[[], Answer], remedy: str) -> Finding:
    try:
        answer = check()
    except InterruptionError:
        raise
    except OsciError as error:
        return _trouble(name, str(error), remedy)
    except OSError as error:
        return _trouble(name, f"This machine refused: {error}.", remedy)
    return Finding(name, answer.outcome, answer.message, answer.remedy)


def _trouble(name: str, message: str, remedy: str) -> Finding:
    """Return the finding of an error, which may say itself, after a semicolon, what to do."""
    if remedy:
        return Finding(name, TROUBLE, message, remedy)
    fault, _, hint = message.partition("; ")
    if not hint:
        return Finding(name, TROUBLE, message, "See to it as root.")
    return Finding(name, TROUBLE, f"{fault}.", _capitalised(hint))


def _capitalised(sentence: str) -> str:
    return sentence if sentence.startswith("osci ") else sentence[0].upper() + sentence[1:]
