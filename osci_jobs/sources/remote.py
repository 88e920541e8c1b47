# SPDX-License-Identifier: Apache-2.0
"""What a git server is asked, and once more when it did not answer."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from osci_jobs.deployment.faults import quoted
from osci_jobs.deployment.notation import is_branch
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.process import SilenceError
from osci_jobs.results.escape import clip, visible_line

from . import git
from .attempts import AwayError, Patience, repeated

HEAD = "HEAD"
_FETCHED = "refs/osci/fetched"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
# A Gerrit with all its changes has some hundred thousand refs, a repository some thousand.
_REFS = 1_000_000
# difflib takes a millisecond for twenty names.
_COMPARED_NAMES = 5_000
_LISTED = re.compile(r"([0-9a-f]{40})\t(\S.*)")
_SYMBOLIC = re.compile(r"ref: (refs/heads/.+)\tHEAD")
# The server is there, and says that the ref is not.
_MISSING = re.compile(
    r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref", re.IGNORECASE
)
# The server is there, and does not want us; asked once more it would say the same.
_REFUSED = re.compile(
    r"Authentication failed|could not read (Username|Password)|Permission denied|access denied|"
    r"returned error: 4(?!08|29)\d\d|repository .* not found|not found\.?$|"
    r"does not appear to be a git repository|not valid: is this a git repository|"
    r"not a git repository|fsck error|shallow",
    re.IGNORECASE,
)
_TELLING = re.compile(r"(fatal|error|ssh|ERROR|remote: (fatal|error)):? ", re.IGNORECASE)
# What git adds to a line that told more.
_ADDED = re.compile(r"fatal: (Could not read from remote repository|the remote end hung up)")
_HOST = re.compile(r"(?:\w+://)?(?:[^/@]*@)?(\[[^]]*\]|[^/:]+)")
_ACCOUNT = re.compile(r"://[^/@\s']*@")


class MissingRefError(SourceError):
    """The server does not have the ref or the commit, or does not hand it out."""


def find(repository: Path, url: str, ref: str, patience: Patience) -> tuple[str, str]:
    """Return the full name of a ref of the server, and the object it is, "" if not known yet.

    `ref` is a branch, a tag, a ref's full name or "" for the default branch. Raises
    SourceError when there is none or two, InfrastructureError when the server is silent.
    """
    if ref.startswith("refs/"):
        return ref, ""
    if ref in ("", HEAD):
        return _default(repository, url, patience)
    listed = _listed(repository, url, patience, "--heads", "--tags")
    found = [prefix + ref for prefix in (_HEADS, _TAGS) if prefix + ref in listed]
    if not found:
        raise MissingRefError(missing(url, ref, list(listed)))
    if len(found) > 1:
        raise SourceError(
            f"'{shown(url)}' has a branch and a tag '{shown(ref)}'; "
            f"write {quoted(map(shown, found))}."
        )
    # A tag is an object of its own, whose commit is listed beside it.
    return found[0], listed.get(f"{found[0]}^{{}}", listed[found[0]])


def bring(repository: Path, url: str, ref: str, patience: Patience, *options: str) -> str:
    """Fetch a full ref or a commit into `repository`; return the commit.

    `options` are git-fetch's. Raises as `talk` does, and SourceError for what is no commit.
    """
    fetch(repository, url, patience, (f"+{ref}:{_FETCHED}",), *options)
    if not git.read(repository, "for-each-ref", _FETCHED):
        # Git says so in a warning only.
        raise SourceError(
            f"'{shown(url)}' is a shallow clone, whose history is cut off; "
            "'git fetch --unshallow' in it gets the rest."
        )
    answer = git.run(repository, "rev-parse", "--verify", "--quiet", f"{_FETCHED}^{{commit}}")
    if answer.code:
        raise SourceError(f"'{shown(ref)}' of '{shown(url)}' is not a commit.")
    return answer.text


def fetch(
    repository: Path, url: str, patience: Patience, specs: Sequence[str], *options: str
) -> None:
    """Fetch by git's refspecs; raises as `talk` does."""
    always = ("--progress", "--no-write-fetch-head", "--no-recurse-submodules")
    talk(repository, url, patience, "fetch", *always, *options, "--end-of-options", url, *specs)


def names(repository: Path, url: str, patience: Patience) -> list[str]:
    """Return the full names of the branches and tags of a server."""
    return list(_listed(repository, url, patience, "--heads", "--tags"))


def talk(repository: Path, url: str, patience: Patience, *words: str) -> list[str]:
    """Return the lines of a git command that speaks to the server of `url`.

    Raises SourceError when the server refuses, MissingRefError when it does not have what
    was asked for, InfrastructureError when it did not answer in all attempts.
    """
    return repeated(lambda: _answer(repository, url, patience, words), patience)


def missing(url: str, ref: str, there: list[str]) -> str:
    """Return what to say of a ref that a server does not have; the nearest that it has."""
    by_name = {_short(name): name for name in there[:_COMPARED_NAMES]}
    near = difflib.get_close_matches(_short(ref), by_name)
    named = [by_name[name] if ref.startswith("refs/") else name for name in near]
    question = f" Did you mean {quoted(map(shown, named))}?" if named else ""
    return f"'{shown(url)}' has no branch, tag or ref '{shown(ref)}'.{question}"


def shown(text: str) -> str:
    """Return a URL or a name so that it does no harm to a terminal and tells no account."""
    return clip(visible_line(_ACCOUNT.sub("://***@", text)), 200)


def _short(ref: str) -> str:
    return ref.removeprefix(_HEADS).removeprefix(_TAGS)


def _default(repository: Path, url: str, patience: Patience) -> tuple[str, str]:
    lines = talk(repository, url, patience, "ls-remote", "--symref", "--end-of-options", url, HEAD)
    listed = _parsed(lines)
    if HEAD not in listed:
        raise SourceError(f"'{shown(url)}' has no default branch; name one after '@'.")
    branches = [match[1] for line in lines if (match := _SYMBOLIC.fullmatch(line))]
    if branches and is_branch(branches[0]):
        return branches[0], listed[HEAD]
    return HEAD, listed[HEAD]


def _listed(repository: Path, url: str, patience: Patience, *options: str) -> dict[str, str]:
    return _parsed(talk(repository, url, patience, "ls-remote", *options, "--end-of-options", url))


def _parsed(lines: list[str]) -> dict[str, str]:
    matches = [match for line in lines if (match := _LISTED.fullmatch(line))]
    return {match[2]: match[1] for match in matches}


def _answer(repository: Path, url: str, patience: Patience, words: tuple[str, ...]) -> list[str]:
    code, lines = _attempt(repository, url, patience, words)
    if not code:
        return lines
    line = _telling(lines) or f"exit code {code}"
    if _MISSING.search(line):
        raise MissingRefError(f"'{shown(url)}' does not have it: {line}", line=line)
    if _REFUSED.search(line):
        raise SourceError(f"'{shown(url)}' cannot be fetched: {line}", line=line)
    raise AwayError(
        f"The git server {_server(url)} does not hand out '{shown(url)}' ({line}).", line=line
    )


def _attempt(
    repository: Path, url: str, patience: Patience, words: tuple[str, ...]
) -> tuple[int, list[str]]:
    try:
        return git.talk(
            repository,
            *words,
            silence_seconds=patience.seconds,
            files=_is_here(url),
        )
    except SilenceError as error:
        raise InfrastructureError(
            f"The git server {_server(url)} said nothing for {patience.seconds:g} s."
        ) from error


def _telling(lines: list[str]) -> str:
    """Return the line that tells why git failed."""
    lines = [line for line in lines if not _LISTED.fullmatch(line)]
    refused = [line for line in lines if _MISSING.search(line) or _REFUSED.search(line)]
    telling = [line for line in lines if _TELLING.match(line) and not _ADDED.match(line)]
    chosen = [*refused, *telling, *lines]
    if not chosen:
        return ""
    # Of several addresses git tells one by one what came of them, and the server before.
    of_each = lines[lines.index(chosen[0]) + 1 :][:1] if chosen[0].endswith(":") else []
    return shown(" ".join([chosen[0], *of_each]).rstrip())


def _server(url: str) -> str:
    if _is_here(url):
        return "of this machine"
    match = _HOST.match(url)
    return f"'{visible_line(match[1] if match else url)}'"


def _is_here(url: str) -> bool:
    return url.startswith(("file:", "/"))
