# SPDX-License-Identifier: Apache-2.0
"""Blank the secrets of a group in what came from its hosts."""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

BLANK = b"***"


def blank_files(directory: Path, secrets: Iterable[str]) -> None:
    """Replace every secret in the files below `directory`, in each form that it may have there."""
    forms = {form.encode() for secret in secrets if secret for form in _iter_forms(secret)}
    longest_first = sorted(forms, key=len, reverse=True)
    for path in directory.rglob("*"):
        if path.is_file():
            _blank_file(path, longest_first)


def _iter_forms(secret: str) -> Iterator[str]:
    """Yield the secret as it is, in a URL, in JSON and in base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode()


def _blank_file(path: Path, forms: list[bytes]) -> None:
    before = after = path.read_bytes()
    for form in forms:
        after = after.replace(form, BLANK)
    if after != before:
        path.write_bytes(after)
