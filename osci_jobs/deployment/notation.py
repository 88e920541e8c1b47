# SPDX-License-Identifier: Apache-2.0
"""How a source is written: release, git URL, checkout, Gerrit change or Launchpad branch."""

import re
from typing import Any

from .faults import blank
from .model import METHODS, Source

EXPECTED = (
    "a version, URL[@REF], a path that starts with '/', './', '../' or '~/', "
    "'gerrit:NUMBER[/PATCHSET]' or 'lp:BRANCH'"
)
TRUNK_EXPECTED = "URL@REF, or a REF of the trunk's repository"
# git's own limit of a ref is that of a file's path.
_CHARACTERS = 2_000
_REF_CHARACTERS = 250
_RELEASE = re.compile(
    r"[0-9]+(\.[0-9]+){0,5}((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?", re.ASCII
)
_GERRIT = re.compile(r"gerrit:([1-9][0-9]{0,8}(?:/[1-9][0-9]{0,4})?)", re.ASCII)
_LAUNCHPAD = re.compile(
    r"lp:(?P<path>~?[a-z0-9][a-z0-9+._-]*(?:/[A-Za-z0-9+][A-Za-z0-9+._@-]*?){0,3}(?::[^@:]+)?)(?:@(?P<commit>[0-9a-f]{40}))?",
    re.ASCII,
)
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_USER = r"(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?"
# No password, and no '?' or '#', after which tokens stand.
_URL = re.compile(
    rf"(?P<scheme>https?|git|ssh)://{_USER}{_HOST}(?::[0-9]{{1,5}})?(?P<path>/[^\s?#@\\]*)",
    re.ASCII,
)
_FILE_URL = re.compile(r"file://(?P<path>/[^\s?#@\\]*)", re.ASCII)
_SSH_PLACE = re.compile(rf"{_USER}{_HOST}:(?!/)(?P<path>[A-Za-z0-9_~][^\s?#@\\:]*)", re.ASCII)
_PLAIN_URL = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:/[^\s?#@\\]*)?", re.ASCII)
_BAZAAR_URL = re.compile(rf"(?:bzr|https?)://{_HOST}(?::[0-9]{{1,5}})?(?:/[^\s?#@\\]*)?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_PATHS = ("/", "./", "../", "~/")


class MalformedSourceError(ValueError):
    """A text that is no source; the message says what was expected."""


def parse(project: str, text: str, method: str = "", trunk: str = "") -> Source:
    """Return the source that a text stands for.

    The text may begin with a method and a colon, `merge:https://…`, for this source alone.
    `method` is one of METHODS for all others, "" for what a kind has by default. `trunk` is
    what it is to meet instead of the project's trunk: `URL@REF`, or a REF of the
    trunk's repository. Raises MalformedSourceError.
    """
    if not text or len(text) > _CHARACTERS or not text.isprintable():
        raise MalformedSourceError(EXPECTED)
    own, bare = _own_method(text)
    kind, url, ref = _parts(bare)
    trunk_url, trunk_ref = parse_trunk(trunk)
    default = "merge" if kind in ("gerrit", "launchpad") else "as-is"
    return Source(
        project=project,
        text=text,
        kind=kind,
        url=url,
        ref=ref,
        method="as-is" if kind == "release" else own or method or default,
        trunk_url=trunk_url,
        trunk_ref=trunk_ref,
    )


def parse_trunk(text: str) -> tuple[str, str]:
    """Return URL and ref of a trunk, each "" for that of the project; raises as `parse` does."""
    if not text:
        return "", ""
    if is_branch(text) and "@" not in text and ":" not in text:
        return "", text
    try:
        if len(text) <= _CHARACTERS and text.isprintable():
            return _git(text)
    except MalformedSourceError:
        pass
    raise MalformedSourceError(TRUNK_EXPECTED)


def is_local(source: Source) -> bool:
    """Tell whether the source is a path of this machine."""
    return source.kind == "checkout" or source.url.startswith("file:")


def is_commit(text: str) -> bool:
    """Tell whether the text is the full id of a commit."""
    return bool(_COMMIT.fullmatch(text))


def is_branch(text: Any) -> bool:
    """Tell whether git takes the text for a name of a branch, a tag, or a whole ref.

    By git-check-ref-format(1); and no dash at its start.
    """
    if not isinstance(text, str) or not text or len(text) > _REF_CHARACTERS:
        return False
    if _NO_REF.search(text) or text.startswith(("-", "/")) or text.endswith(("/", ".")):
        return False
    parts = text.split("/")
    return text != "@" and not any(part.startswith(".") or part.endswith(".lock") for part in parts)


def is_git_url(text: Any) -> bool:
    """Tell whether the text is the address of a git repository, without a password."""
    return isinstance(text, str) and any(
        pattern.fullmatch(text) for pattern in (_URL, _FILE_URL, _SSH_PLACE)
    )


def is_plain_url(text: Any) -> bool:
    """Tell whether the text is an http or https URL without an account."""
    return isinstance(text, str) and bool(_PLAIN_URL.fullmatch(text))


def is_bazaar_url(text: Any) -> bool:
    """Tell whether the text is the URL of a Bazaar server without an account."""
    return isinstance(text, str) and bool(_BAZAAR_URL.fullmatch(text))


def _own_method(text: str) -> tuple[str, str]:
    method, colon, rest = text.partition(":")
    return (method, rest) if colon and method in METHODS else ("", text)


def _parts(text: str) -> tuple[str, str, str]:
    """Return kind, url and ref."""
    if _RELEASE.fullmatch(text):
        return "release", "", text
    if text.startswith("gerrit:"):
        return "gerrit", "", _change(text)
    if text.startswith("lp:"):
        return ("launchpad", *_launchpad(text))
    if text in (".", "..", "~") or text.startswith(_PATHS):
        return "checkout", text, ""
    return ("git", *_git(text))


def _change(text: str) -> str:
    match = _GERRIT.fullmatch(text)
    if not match:
        raise MalformedSourceError("'gerrit:NUMBER' or 'gerrit:NUMBER/PATCHSET'")
    return match[1]


def _launchpad(text: str) -> tuple[str, str]:
    match = _LAUNCHPAD.fullmatch(text)
    if not match:
        raise MalformedSourceError(
            "'lp:~OWNER/PROJECT/BRANCH', 'lp:~OWNER/PROJECT:BRANCH' or 'lp:PROJECT'"
        )
    _, colon, branch = match["path"].partition(":")
    if colon and not is_branch(branch):
        raise MalformedSourceError("the name of a branch after ':'")
    return match["path"], match["commit"] or ""


def _git(text: str) -> tuple[str, str]:
    """Return URL and ref; the ref stands after the first '@' of the path."""
    for pattern in (_URL, _FILE_URL, _SSH_PLACE):
        match = pattern.match(text)
        if not match:
            continue
        rest = text[match.end() :]
        if not rest:
            return match[0], ""
        if rest.startswith("@") and is_branch(rest[1:]):
            return match[0], rest[1:]
        if rest.startswith("@"):
            raise MalformedSourceError("a branch, a tag, a ref or a commit after '@'")
    if "://" in text and blank(text) != text:
        raise MalformedSourceError(
            "a URL without a password, which a credential helper of git can give"
        )
    raise MalformedSourceError(EXPECTED)
