# SPDX-License-Identifier: Apache-2.0
"""Strict JSON that remembers where in the text each of its values stands."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from .faults import Fault, Path, dotted, sentence, show

DEPTH_LIMIT = 32
VALUES_LIMIT = 20_000

# A string that does not end matches to the end of the text: one look at each
# character, however broken the text is.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
# The state that a container starts in, see `_fill`.
_OPENING: dict[str, tuple[int | None]] = {"{": (None,), "[": (0,)}
_CONSTANTS = ("NaN", "Infinity", "-Infinity")
# The last two are no characters, and XML, in which jobs and results are written, forbids them.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNUSABLE_IN_DESCRIPTION = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Python refuses to convert more digits than 4,300; no key here needs 20.
_DIGITS_LIMIT = 20
_SHOWN_FAULTS = 200


@dataclass(frozen=True)
class Document:
    """A JSON text, its value, and the offset of each value and each key by path."""

    name: str  # of the file, printable
    text: str
    value: Any
    values: dict[Path, int]
    keys: dict[Path, int]


def parse(name: str, text: str) -> Document:
    """Return the document that the text holds; raises ConfigurationError.

    Stricter than JSON: no key twice, no NaN or Infinity, no lone surrogates,
    no control characters, at most 32 levels and 20,000 values.
    """
    _check_depth(name, text)
    try:
        value = json.loads(text, parse_int=_integer)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigurationError(f"{where}: The file is not JSON: {error.msg}.") from error
    document = Document(name, text, value, {}, {})
    _fill(document)
    return document


def where(document: Document, path: Path, at_key: bool = False) -> str:
    """Return `FILE:LINE:COLUMN` of a value, or of what would hold it where it is missing."""
    return _place(document.name, document.text, offset(document, path, at_key))


def offset(document: Document, path: Path, at_key: bool = False) -> int:
    """Return the offset of a value, or of what would hold it where it is missing."""
    if at_key and path in document.keys:
        return document.keys[path]
    while path not in document.values:
        path = path[:-1]
    return document.values[path]


def report(document: Document, faults: Iterable[Fault]) -> str:
    """Return a line for each fault in the order of the file, up to what a person reads."""
    ordered = sorted(faults, key=lambda fault: offset(document, fault.path, fault.at_key))
    lines = [
        f"{where(document, fault.path, fault.at_key)}: {sentence(fault)}"
        for fault in ordered[:_SHOWN_FAULTS]
    ]
    if len(ordered) > _SHOWN_FAULTS:
        lines.append(f"{document.name}: There are {len(ordered) - _SHOWN_FAULTS:,} more faults.")
    return "\n".join(lines)


def iter_entries(value: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the position and the object of each usable entry in a list of objects."""
    for position, entry in enumerate(value.get(key) or ()):
        if isinstance(entry, dict):
            yield position, entry


def _check_depth(name: str, text: str) -> None:
    """Refuse deep nesting before json meets it, which would be a RecursionError."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "{[":
            depth += 1
        elif match[0] in "}]":
            depth -= 1
        if depth > DEPTH_LIMIT:
            place = _place(name, text, match.start())
            raise ConfigurationError(
                f"{place}: The file is nested more than {DEPTH_LIMIT} levels deep."
            )


def _fill(document: Document) -> None:
    """Note where each key and value of a text stands that json has found well formed.

    `stack` holds, for each container that is open, the current key or index;
    a key of None says that the next string is a key.
    """
    stack: list[Any] = []
    for match in _TOKEN.finditer(document.text):
        token, start = match[0], match.start()
        if token in "}]":
            stack.pop()
        elif token == ",":
            stack[-1] = stack[-1] + 1 if isinstance(stack[-1], int) else None
        elif stack and stack[-1] is None:
            stack[-1] = _text(document, token, start, tuple(stack[:-1]))
            _add_key(document, tuple(stack), start)
        elif token != ":":
            _add_value(document, tuple(stack), token, start)
            stack.extend(_OPENING.get(token, ()))


def _add_key(document: Document, path: Path, start: int) -> None:
    if path in document.keys:
        raise _error(document, start, f"{dotted(path)} is there a second time.")
    document.keys[path] = start


def _add_value(document: Document, path: Path, token: str, start: int) -> None:
    if token in _CONSTANTS:
        raise _error(document, start, f"{dotted(path)}: found {token}, which is not JSON.")
    if token.startswith('"'):
        _text(document, token, start, path)
    document.values[path] = start
    if len(document.values) > VALUES_LIMIT:
        raise _error(document, start, f"The file has more than {VALUES_LIMIT:,} values.")


def _text(document: Document, token: str, start: int, path: Path) -> str:
    text: str = json.loads(token)
    pattern = _UNUSABLE_IN_DESCRIPTION if path == ("description",) else _UNUSABLE
    unusable = pattern.search(text)
    if unusable:
        kind = _kind(unusable[0])
        raise _error(
            document,
            start,
            f"{dotted(path)}: found {show(text)}, which holds {kind}, U+{ord(unusable[0]):04X}.",
        )
    return text


def _kind(character: str) -> str:
    if character >= "\ufffe":
        return "a character that XML forbids"
    return "a lone surrogate" if character >= "\ud800" else "a control character"


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS_LIMIT else float(digits)


def _error(document: Document, start: int, message: str) -> ConfigurationError:
    place = _place(document.name, document.text, start)
    return ConfigurationError(f"{place}: {message}")


def _place(name: str, text: str, start: int) -> str:
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return f"{name}:{line}:{column}"
