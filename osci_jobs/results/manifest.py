# SPDX-License-Identifier: Apache-2.0
"""The manifest: size and SHA-256 of every file of a run, written last of all."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import files

FILE_NAME = "manifest.json"
FORMAT = 1


def write(directory: Path) -> None:
    """Write `manifest.json` for all regular files below `directory`; safe to repeat.

    Symbolic links are neither followed nor listed.
    """
    manifest = {"format": FORMAT, "files": _list(directory)}
    files.write_text(directory / FILE_NAME, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def verify(directory: Path) -> list[str]:
    """Return one sentence for each file that is not as the manifest says, sorted by path.

    Raises ConfigurationError when the manifest is missing or cannot be read.
    """
    wanted = _load(directory / FILE_NAME)
    found = _list(directory)
    names = sorted(wanted.keys() | found.keys())
    return [
        _difference(name, wanted.get(name), found.get(name))
        for name in names
        if wanted.get(name) != found.get(name)
    ]


def _difference(name: str, wanted: Any, found: Any) -> str:
    if not wanted:
        return f"The file '{name}' is not in the manifest."
    if not found:
        return f"The file '{name}' is missing."
    if wanted["bytes"] != found["bytes"]:
        return f"The file '{name}' has {found['bytes']} bytes instead of {wanted['bytes']}."
    return f"The file '{name}' has another content."


def _load(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The manifest '{path}' cannot be read: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ConfigurationError(f"The manifest '{path}' is not of format {FORMAT}.")
    listed: dict[str, Any] = manifest["files"]
    return listed


def _list(directory: Path) -> dict[str, Any]:
    return {
        path.relative_to(directory).as_posix(): _describe(path)
        for path in _iter_files(directory)
        if path != directory / FILE_NAME
    }


def _iter_files(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"bytes": file.tell(), "sha256": digest.hexdigest()}
