# SPDX-License-Identifier: Apache-2.0
"""Links from a report to the other files of its run."""

import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# In this order; the report and the manifest, which are made after it, are not among them.
_FILES = ("run.json", "log.jsonl")
_DIRECTORIES = ("junit", "metrics", "cases", "samples", "plots", "logs", "attachments")
_SHOWN = 40  # files of one directory


@dataclass(frozen=True)
class Link:
    """A file of the run: its path, and that path as a relative URL."""

    path: str
    url: str


def url(run_directory: Path, path: str) -> str:
    """Return the relative URL of `path` below the run's directory, "" for what is not there.

    The path may be a stranger's: one that leads out of the directory has no URL.
    """
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or parts[0].startswith("/"):
        return ""
    place = run_directory.joinpath(*parts)
    return urllib.parse.quote(os.fsencode(PurePosixPath(*parts))) if os.path.exists(place) else ""


def gather(run_directory: Path) -> tuple[Link, ...]:
    """Return the files of the run that a reader may want, and the directories of its logs."""
    paths = [name for name in _FILES if (run_directory / name).is_file()]
    for directory in _DIRECTORIES:
        found = sorted(run_directory.joinpath(directory).glob("*"))
        paths += [f"{directory}/{path.name}{'/' * path.is_dir()}" for path in found[:_SHOWN]]
    return tuple(Link(path, urllib.parse.quote(os.fsencode(path))) for path in paths)
