# SPDX-License-Identifier: Apache-2.0
"""Bazaar branches, brought as commits into a git repository."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import osci_jobs
from osci_jobs import cache as entries
from osci_jobs import process
from osci_jobs.errors import InfrastructureError, OsciError, SourceError
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.sources import mirror
from osci_jobs.sources.attempts import AwayError, Patience, repeated

_PROGRAM = "osci_jobs.sources.converter"
_PACKAGES = Path(osci_jobs.__file__).parents[1]
_SHOWN_CHARACTERS = 300
# What leads to a server from here, and whom to believe.
_NETWORK = (
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"),
    *("all_proxy", "http_proxy", "https_proxy", "no_proxy"),
)
_DISK = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)))
# What to say of a trouble that the branch itself makes.
_SENTENCES = {
    "broken": "The Bazaar branch '{}' cannot be read:",
    "forbidden": "The Bazaar branch '{}' leads to another place, where osci does not go:",
    "git": "What is in the Bazaar branch '{}' is refused by git:",
    "refused": "The Bazaar branch '{}' is not shown to everybody:",
    "missing": "There is no Bazaar branch with a revision at '{}':",
}


@dataclass(frozen=True)
class Brought:
    """A branch whose commits a git repository has; `trunk` is the commit of its trunk, or "".

    `revision` and `revno` are Bazaar's names of what `commit` is.
    """

    commit: str
    revision: str
    revno: str
    trunk: str = ""


def bring(
    repository: Path,
    cache: Path,
    branch: str,
    trunk: str,
    patience: Patience,
) -> Brought:
    """Bring a Bazaar branch and its trunk, two URLs, into a mirror that is claimed.

    A revision becomes the same commit at each time and on every machine, and one that
    both have is one commit. Git has checked what comes. Trunk may be "". What trunk has
    stays in the cache, so that only new revisions are fetched and made; those of the
    branch are made each time. Raises SourceError where there is no such branch, or none
    that git can hold, and InfrastructureError where its server does not answer.
    """
    patience.say(f"Fetching the Bazaar branch '{_shown(branch)}'.")
    digest = hashlib.sha256((trunk or branch).encode()).hexdigest()[:16]
    with entries.claimed(cache / "bazaar" / digest) as (entry, _):
        order = {"branch": branch, "trunk": trunk or branch, "store": str(entry / "repository")}
        attempt = partial(_attempt, repository, entry, order, patience.seconds)
        found = repeated(attempt, patience)
    return Brought(
        commit=found["commit"],
        revision=found["revision"],
        revno=str(found["revno"]),
        trunk=found["trunk"] if trunk else "",
    )


def _attempt(
    repository: Path, entry: Path, order: Mapping[str, str], silence_seconds: float
) -> dict[str, Any]:
    record = entry / "commit"
    newest = record.read_text() if record.exists() else ""
    known = newest if mirror.has(repository, newest) else ""
    with _desk(entry) as desk, mirror.incoming(repository) as incoming:
        order = {**order, "git": str(incoming), "newest": known}
        found = _answer(order, desk, silence_seconds)
        if "trouble" in found:
            raise _error(order, found)
        # Only what git has checked gets here: what is in the mirror is not looked at again.
        mirror.adopt(repository, incoming, found["commit"])
    mirror.keep(repository, found["trunk"])
    record.write_text(found["trunk"])
    return found


@contextmanager
def _desk(entry: Path) -> Iterator[Path]:
    """Yield an empty directory for what comes and goes, also after one that was killed."""
    desk = entry / "desk"
    shutil.rmtree(desk, ignore_errors=True)
    desk.mkdir(parents=True)
    try:
        yield desk
    finally:
        shutil.rmtree(desk, ignore_errors=True)


def _answer(order: Mapping[str, str], desk: Path, silence_seconds: float) -> dict[str, Any]:
    """Return what the program leaves: the tips by name, or `trouble`, `url` and `text`."""
    answer = desk / "answer.json"
    order = {**order, "answer": str(answer), "aside": str(desk / "repository")}
    lines = [""]
    try:
        code = process.run(
            [sys.executable, "-m", _PROGRAM, json.dumps(order)],
            name="the fetch from Bazaar",
            silence_seconds=silence_seconds,
            environment=_environment(desk),
            on_line=lines.append,
        )
    except process.SilenceError:
        return {
            "trouble": "away",
            "url": order["branch"],
            "text": f"it said nothing for {silence_seconds:g} s",
        }
    if code or not answer.exists():
        raise InfrastructureError(
            f"'{_PROGRAM}' ended with the exit code {code}: {_shown(lines[-1])}",
            line=_shown(lines[-1]),
        )
    return json.loads(answer.read_text())


def _error(order: Mapping[str, str], found: Mapping[str, str]) -> OsciError:
    trouble, url, text = found["trouble"], _shown(found["url"]), _shown(found["text"]).rstrip(". ")
    if trouble == "away":
        return AwayError(f"The Bazaar server of '{url}' does not answer: {text}.")
    if any(reason in text for reason in _DISK):
        return InfrastructureError(f"'{url}' cannot be kept in the cache: {text}.", line=text)
    if trouble == "broken":
        shutil.rmtree(order["store"], ignore_errors=True)  # for it may be that, and not the branch
    return SourceError(f"{_SENTENCES[trouble].format(url)} {text}.", line=text)


def _environment(desk: Path) -> dict[str, str]:
    """Return all that the program needs, and nothing of the user's: no settings, no plugins."""
    given = {name: os.environ[name] for name in _NETWORK if name in os.environ}
    return {
        **given,
        "BRZ_HOME": str(desk),
        "BRZ_LOG": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "HOME": str(desk),
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": str(_PACKAGES),
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(desk),
    }


def _shown(text: str) -> str:
    """Return a stranger's text as a sentence can hold it."""
    return clip(visible_line(text), _SHOWN_CHARACTERS)
