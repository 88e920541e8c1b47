# SPDX-License-Identifier: Apache-2.0
"""How metrics vary when nothing changed: earlier pairs of trunk and trunk, and their file."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import noise, ratios
from osci_jobs.regression.exact import Evidence
from osci_jobs.regression.model import History, Paired
from osci_jobs.results import files

FORMAT = 1
KEPT = 60  # pairs of a metric, the newest ones


def fold(history: History, metrics: Sequence[Paired]) -> History:
    """Return the history with these pairs of trunk and trunk, measured in turns.

    Of times, what most of them did together in a pair is taken off, as in a comparison.
    Values that a comparison could not work with are left out.
    """
    found = [Evidence(metric, ratios.of(metric), ()) for metric in metrics]
    usable = [one for one in found if not one.ratios.reason]
    new = dict(history.ratios)
    for one, added in zip(usable, noise.iter_centred(usable), strict=True):
        name = one.metric.name
        new[name] = (*new.get(name, ()), *added)[-KEPT:]
    return History(new)


def read(path: Path) -> History:
    """Return the history that `write` wrote; an empty one when there is no such file.

    Raises ConfigurationError when the file is none of ours, or of another format.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return History()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The history in '{path}' cannot be read: {error}.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigurationError(f"The history in '{path}' is not of format {FORMAT}.")
    metrics = document.get("metrics")
    if not isinstance(metrics, dict):
        raise ConfigurationError(f"The history in '{path}' has no object 'metrics'.")
    return History({name: _ratios(path, name, values) for name, values in metrics.items()})


def write(path: Path, history: History) -> None:
    """Write the history whole; safe to repeat. Raises as `files.write_text` does."""
    metrics = {name: list(values) for name, values in history.ratios.items()}
    document = {"format": FORMAT, "metrics": metrics}
    files.write_text(path, json.dumps(document, indent=1, sort_keys=True) + "\n")


def _ratios(path: Path, name: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(map(_is_number, values)):
        raise ConfigurationError(f"In the history in '{path}', '{name}' is no list of numbers.")
    return tuple(map(float, values[-KEPT:]))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
