# SPDX-License-Identifier: Apache-2.0
"""The shape of a file, as its JSON Schema says; the only importer of jsonschema."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import jsonschema

from .faults import Fault, Path, quoted, show

FILE = FilePath(__file__).with_name("schema.json")


@functools.cache
def read(file: FilePath = FILE) -> dict[str, Any]:
    """Return the JSON Schema in a file, by default that of deployment files."""
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def check(value: Any, file: FilePath = FILE) -> list[Fault]:
    """Return what is wrong with the shape of a value, each fault once."""
    whole = read(file)
    errors = jsonschema.Draft202012Validator(whole).iter_errors(value)
    faults = [fault for error in errors for fault in _faults(error, whole)]
    return list({fault.path: fault for fault in reversed(faults)}.values())


def usable(value: Any, faults: list[Fault]) -> Any:
    """Return a copy of the value with None in the place of each fault.

    So the meaning of the rest can be checked as well; {} where nothing is left.
    """
    copy = json.loads(json.dumps(value))
    for fault in faults:
        if not fault.path:
            return {}
        _clear(copy, fault.path)
    return copy


def _faults(error: jsonschema.ValidationError, whole: dict[str, Any]) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    schema: Any = error.schema
    if error.validator == "required":
        yield from _missing(path, error.instance, schema, whole)
    elif error.validator == "additionalProperties":
        yield from _unknown(path, error.instance, _known(schema, whole))
    else:
        word = error.instance if isinstance(error.instance, str) else ""
        choices = tuple(schema.get("enum", ()))
        yield Fault(path, show(error.instance), schema["title"], word, choices)


def _missing(
    path: Path, value: Any, schema: dict[str, Any], whole: dict[str, Any]
) -> Iterator[Fault]:
    for key in schema["required"]:
        if key not in value:
            yield Fault((*path, key), "nothing", str(_child(schema, key, whole)["title"]))


def _unknown(path: Path, value: Any, known: tuple[str, ...]) -> Iterator[Fault]:
    expected = f"one of the keys {quoted(known)}" if len(known) > 1 else f"the key {quoted(known)}"
    for key in value:
        if key not in known:
            yield Fault((*path, key), "an unknown key", expected, key, known, at_key=True)


def _known(schema: dict[str, Any], whole: dict[str, Any]) -> tuple[str, ...]:
    """Return the keys that a value may have, without those that are there to be refused."""
    keys = sorted(schema["properties"])
    return tuple(key for key in keys if "not" not in _child(schema, key, whole))


def _child(schema: dict[str, Any], key: str, whole: dict[str, Any]) -> Any:
    """Return a key's schema, which may be a reference."""
    child = schema["properties"][key]
    return whole["$defs"][child["$ref"].rpartition("/")[2]] if "$ref" in child else child


def _clear(value: Any, path: Path) -> None:
    """Put None at the path, unless what would hold it is gone already."""
    for step in path[:-1]:
        value = value[step]
        if value is None:
            return
    last: Any = path[-1]
    if isinstance(value, list) or last in value:
        value[last] = None
