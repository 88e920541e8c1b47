# SPDX-License-Identifier: Apache-2.0
"""The YAML of jobs: written so that nothing in a value is read as YAML, and looked at safely."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from osci_jobs.deployment import content
from osci_jobs.deployment.faults import printable
from osci_jobs.errors import ConfigurationError

VALUES_LIMIT = 100_000
DEPTH_LIMIT = 50

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # some ten times as fast, where it is


class _Text(str):
    """A text that is written between double quotes, in ASCII."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


_Dumper.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def write(value: Any) -> str:
    """Return plain data as YAML: every text quoted, keys sorted."""
    text: str = yaml.dump(_quoted(value), Dumper=_Dumper, width=float("inf"))
    return text


def check(path: Path) -> None:
    """Raise ConfigurationError for a file that no program should read whole.

    That is one of more than 1 MiB or 50 levels, or of more than 100,000 values with
    those that aliases stand for: ten lines of YAML can fill all memory. Nothing is
    built here.
    """
    name = printable(str(path))
    try:
        _count(name, yaml.parse(content.read(path), Loader=_Loader))
    except yaml.YAMLError as error:
        place = _place(name, getattr(error, "problem_mark", None))
        problem = getattr(error, "problem", None) or "it is no text of YAML"
        raise ConfigurationError(f"{place}: The file is not YAML: {problem}.") from error


def _count(name: str, events: Iterable[yaml.Event]) -> None:
    """Add up the values that the aliases stand for, and stop where they are too many."""
    values = 0
    sizes: dict[str, int] = {}
    begun: list[tuple[str, int]] = []  # for each collection that is open: anchor, values before
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            values += _size(name, event, sizes)
        elif isinstance(event, yaml.NodeEvent):
            begun.append((event.anchor or "", values))
            values += 1
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionEndEvent):
            anchor, before = begun.pop()
            sizes[anchor] = values - before
        if values > VALUES_LIMIT or len(begun) > DEPTH_LIMIT:
            raise ConfigurationError(
                f"{_place(name, event.start_mark)}: The file is nested more than {DEPTH_LIMIT} "
                f"levels deep, or has more than {VALUES_LIMIT:,} values, with those that its "
                f"aliases stand for."
            )


def _size(name: str, event: yaml.AliasEvent, sizes: dict[str, int]) -> int:
    if event.anchor not in sizes:
        alias = printable(event.anchor)
        raise ConfigurationError(
            f"{_place(name, event.start_mark)}: The alias '{alias}' stands for nothing, or itself."
        )
    return sizes[event.anchor]


def _place(name: str, mark: yaml.Mark | None) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {_Text(key): _quoted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(item) for item in value]
    return _Text(value) if isinstance(value, str) else value
