# SPDX-License-Identifier: Apache-2.0
"""A comparison in a file: `comparison.json` of a run that measured two sides."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression.model import Comparison, Finding, Together
from osci_jobs.results import files
from osci_jobs.results.escape import clip, visible_line

FILE = "comparison.json"
FORMAT = 1
FILE_BYTES = 16 << 20
_NAME_CHARACTERS = 200
_TEXTS = ("name", "answer", "how", "reason")
_FLAGS = ("is_changed", "is_difference")


@dataclass(frozen=True)
class Document:
    """A comparison, the units of its metrics, and how it was measured.

    `plan` has plain values by name: seed, pairs, warm_up, looks, noisy (numbers of pairs in
    which the machine did something else), is_null (both sides are of the same sources),
    uncounted (what costs lack somewhere, and why).
    """

    comparison: Comparison
    units: Mapping[str, str]
    plan: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        together = self.comparison.together
        return {
            "format": FORMAT,
            "findings": [asdict(one) for one in self.comparison.findings],
            "tested": self.comparison.tested,
            "together": asdict(together) if together else None,
            "is_indicative": self.comparison.is_indicative,
            "units": dict(self.units),
            "plan": dict(self.plan),
        }


def write(path: Path, document: Document) -> None:
    """Write the document whole; safe to repeat. Raises as `files.write_text` does."""
    files.write_text(path, json.dumps(document.as_dict(), indent=1, sort_keys=True) + "\n")


def read(path: Path) -> Document | None:
    """Return the document that `write` wrote; None when there is no such file.

    Raises ConfigurationError when the file is none of ours.
    """
    try:
        content, is_cut = files.read_capped(path, FILE_BYTES)
        found = {} if is_cut else json.loads(content)
        if found["format"] != FORMAT:
            raise ValueError(f"it is not of format {FORMAT}")
        return _document(found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f"The comparison in '{path}' cannot be read: {error}.") from error


def _document(found: Mapping[str, Any]) -> Document:
    together = found["together"]
    comparison = Comparison(
        findings=tuple(_finding(one) for one in found["findings"]),
        tested=int(found["tested"]),
        together=Together(**together) if together else None,
        is_indicative=found["is_indicative"] is True,
    )
    units = {str(name): _text(unit) for name, unit in found["units"].items()}
    plan = found["plan"]
    if not isinstance(plan, dict):
        raise TypeError("plan is no object")
    return Document(comparison, units, plan)


def _finding(found: Mapping[str, Any]) -> Finding:
    values: dict[str, Any] = {}
    for field in fields(Finding):
        value = found[field.name]
        if field.name in _TEXTS:
            values[field.name] = _text(value)
        elif field.name in _FLAGS:
            values[field.name] = value is True
        else:
            values[field.name] = _number(value)
    return Finding(**values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return clip(visible_line(value), _NAME_CHARACTERS)


def _number(value: Any) -> float | None:
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise ValueError(f"{value!r} is no number")
    return value
