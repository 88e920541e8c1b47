# SPDX-License-Identifier: Apache-2.0
"""The directory of deployment files: which there are and where each is."""

import re
from pathlib import Path

from ..errors import ConfigurationError
from .faults import hint, printable, quoted, show

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_RULE = (
    "expected 1 to 63 letters, digits, '.', '_' and '-', of which the first is a letter or a digit"
)
_SUFFIX = ".json"


def names(directory: Path) -> list[str]:
    """Return the names of the deployments in the directory, sorted.

    Raises ConfigurationError where there is no such directory.
    """
    stems = (path.name.removesuffix(_SUFFIX) for path in _files(directory))
    return sorted(stem for stem in stems if _NAME.fullmatch(stem))


def misnamed(directory: Path) -> list[str]:
    """Return a sentence for each file whose name is none of a deployment, sorted.

    Raises ConfigurationError where there is no such directory.
    """
    where = printable(str(directory))
    stems = sorted(path.name.removesuffix(_SUFFIX) for path in _files(directory))
    return [
        f"{where}: {show(stem)} is no name of a deployment: {_RULE}."
        for stem in stems
        if not _NAME.fullmatch(stem)
    ]


def check_name(name: str) -> None:
    """Raise ConfigurationError for what no deployment can be called."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{show(name)} is no name of a deployment: {_RULE}.")


def find(directory: Path, name: str) -> Path:
    """Return the path of the deployment's file.

    Raises ConfigurationError, with the nearest names, where there is none.
    """
    known = names(directory)
    where = printable(str(directory))
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{where}: {show(name)} is no name of a deployment: {_RULE}.{hint(name, known)}"
        )
    if name not in known:
        raise ConfigurationError(f"{where}: There is no deployment '{name}'.{_advice(name, known)}")
    return directory / f"{name}{_SUFFIX}"


def _files(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.name.endswith(_SUFFIX)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(
            f"{printable(str(directory))}: The directory of deployments cannot be read: {reason}. "
            f"'--deployment-config-dir' names another."
        ) from error


def _advice(name: str, known: list[str]) -> str:
    if not known:
        return " The directory has no deployment at all."
    return hint(name, known) or f" Expected {quoted(known)}."
