# SPDX-License-Identifier: Apache-2.0
"""The stream that git fast-import reads: commits made of what was written elsewhere.

What goes in is a stranger's, so nothing in it may end a line or a field of the stream.
See git-fast-import(1).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_TRAILER = "Bazaar-Revision: "
# git dates commits from 1970 on; the last second is in the year 2514.
_LAST_SECOND = 1 << 34
_MOST_OFFSET_SECONDS = 14 * 3600
_IDENTITY = re.compile(r"(?P<name>[^<]*)<(?P<address>[^<>]*)>?")
_NO_NAME = re.compile(r"[\x00-\x1f\x7f<>]+")


@dataclass(frozen=True)
class File:
    """A file of a commit; `mode` as git has it: 100644, 100755, 120000 for a symbolic link."""

    path: str
    mode: str
    content: bytes


@dataclass(frozen=True)
class Commit:
    """What becomes a commit; `parents` are marks (':7') or ids of commits.

    The tree is that of the first parent, empty without one or with `is_whole`, from which
    first the `removed` paths go, and to which then the `files` come.
    """

    revision: str
    author: str
    committer: str
    seconds: float
    offset_seconds: int
    message: str
    parents: tuple[str, ...]
    is_whole: bool
    removed: tuple[str, ...]
    files: Iterable[File]


def iter_commit(commit: Commit, mark: int, ref: str) -> Iterator[bytes]:
    """Yield the commands that make the commit and let `ref` point to it."""
    when = _when(commit.seconds, commit.offset_seconds)
    if not commit.parents:
        yield f"reset {ref}\n".encode()  # or what it points to were the parent
    yield f"commit {ref}\nmark :{mark}\n".encode()
    yield b"author %s %s\ncommitter %s %s\n" % (
        signature(commit.author),
        when,
        signature(commit.committer),
        when,
    )
    yield _data(message(commit.message, commit.revision).encode("utf-8", "replace"))
    for number, parent in enumerate(commit.parents):
        yield f"{'merge' if number else 'from'} {parent}\n".encode()
    if commit.is_whole:
        yield b"deleteall\n"
    for path in commit.removed:
        yield b"D %s\n" % quoted(path)
    for file in commit.files:
        yield b"M %s inline %s\n" % (file.mode.encode(), quoted(file.path))
        yield _data(file.content)


def pointer(ref: str, commit: str) -> bytes:
    """Return the command that lets `ref` point to a mark or an id of a commit."""
    return f"reset {ref}\nfrom {commit}\n".encode()


def message(text: str, revision: str) -> str:
    """Return a commit's message, whose last line says which revision it was."""
    return f"{text.replace(chr(0), chr(0xFFFD)).strip()}\n\n{_TRAILER}{revision}\n".lstrip()


def revision_of(text: str) -> str:
    """Return the revision that the last line of a commit's message names, "" for none."""
    last = text.rstrip("\n").rpartition("\n")[2]
    return last.removeprefix(_TRAILER) if last.startswith(_TRAILER) else ""


def signature(text: str) -> bytes:
    """Return 'Bob <bob@example.org>' of what may be any text, with a name in any case."""
    match = _IDENTITY.match(text)
    name, address = (match["name"], match["address"]) if match else (text, "")
    name, address = (_NO_NAME.sub(" ", part).strip() for part in (name, address))
    return f"{name or address or 'unknown'} <{address}>".encode("utf-8", "replace")


def quoted(path: str) -> bytes:
    """Return a path as the stream can hold it; raises ValueError for one that git cannot hold."""
    raw = path.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError(f"The path {path!r} has a NUL in it.")
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def _when(seconds: float, offset_seconds: int) -> bytes:
    if not 0 <= seconds <= _LAST_SECOND:  # neither for what is no number
        seconds = 0
    if abs(offset_seconds) > _MOST_OFFSET_SECONDS:
        offset_seconds = 0
    minutes = abs(offset_seconds) // 60
    sign = "-" if offset_seconds < 0 else "+"
    return f"{int(seconds)} {sign}{minutes // 60:02}{minutes % 60:02}".encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
