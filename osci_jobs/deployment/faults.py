# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a deployment file, said so that nothing in it can harm a terminal."""

import difflib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_SHOWN_CHARACTERS = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Fault:
    """A value that cannot be used: where it is, what it is, what was expected.

    `word` and `candidates` are what the user wrote and what could have been
    meant; a hint is made of them. `at_key` places the fault at the key
    instead of the value.
    """

    path: Path
    found: str
    expected: str
    word: str = ""
    candidates: tuple[str, ...] = ()
    at_key: bool = False


def sentence(fault: Fault) -> str:
    """Return the fault as whole sentences, without the place in the file."""
    question = hint(fault.word, fault.candidates)
    return f"{dotted(fault.path)}: found {fault.found}, expected {fault.expected}.{question}"


def dotted(path: Path) -> str:
    """Return a path the way JSONPath writes it: `$.host[0].name`."""
    return "$" + "".join(_step(step) for step in path)


def show(value: Any) -> str:
    """Return a value in printable ASCII of at most 60 characters, passwords blanked."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = json.dumps(blank(value) if isinstance(value, str) else value)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return text[: _SHOWN_CHARACTERS - 3] + "..."


def blank(text: str) -> str:
    """Return the text with what may be a URL's password replaced by `***`.

    Too much rather than too little: a URL may be malformed, so everything
    between the first colon and the last '@' goes, or without an '@' what
    stands where a port would; so do the options of a URL.
    """
    if "://" in text:
        text = re.sub(r"(?s)\?.*", "?***", text)
    if "@" in text:
        return re.sub(r"(?s)(:/*).*@", r"\1***@", text, count=1)
    return re.sub(r"//([^:/]*):[^/]*", r"//\1:***", text, count=1)


def printable(text: str) -> str:
    """Return the text with control, direction and other unprintable characters escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def hint(word: str, candidates: Collection[str]) -> str:
    """Return the question whether the nearest candidate was meant, or an empty text.

    A word that is a candidate itself is wrong for another reason.
    """
    near = difflib.get_close_matches(word, candidates, n=1) if word not in candidates else []
    return f" Did you mean '{printable(near[0])}'?" if near else ""


def quoted(names: Iterable[str]) -> str:
    """Return the names as a list in words: `'a', 'b' or 'c'`."""
    *rest, last = [f"'{name}'" for name in names]
    return f"{', '.join(rest)} or {last}" if rest else last


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{show(step)}]"
