# SPDX-License-Identifier: Apache-2.0
"""Unpack what came back from the tester: a stranger's tar.

The headers are read one by one by `tarfile.TarInfo.frombuf`. `tarfile.open`
would be shorter, but Python 3.11.2 hangs in it on an extended header that was
made for that (CVE-2024-6232, CVE-2025-8194).
"""

import errno
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from osci_jobs.errors import InfrastructureError, OsciError
from osci_jobs.results.escape import clip, visible_line

ARCHIVE_BYTES = 256 * 1024 * 1024
MEMBERS = 10_000
_NAME_BYTES = 1024
_PART_BYTES = 255
_PIECE_BYTES = 1024 * 1024
_SENTENCES = 100
_SHOWN_CHARACTERS = 200
_BLOCK = tarfile.BLOCKSIZE


class NoArchiveError(OsciError):
    """What came back from the tester is no tar at all."""

    verdict = "failure"


class _RefusedError(Exception):
    """A member is left out; the message says why, after the member's name."""


class _BrokenError(Exception):
    """There is no way to tell where the next member starts."""


@dataclass
class _Unpacking:
    directory: Path
    left: int = ARCHIVE_BYTES
    sentences: list[str] = field(default_factory=list)


def unpack(archive: Path, directory: Path) -> list[str]:
    """Unpack the files and directories of the tar `archive` below `directory`.

    `directory` is made, or is there and empty. At most 10,000 members and 256 MiB
    are unpacked, never a link or a device, and nothing outside of `directory`.
    Returns a sentence for each thing that was left out. Raises NoArchiveError
    when the file is no tar, InfrastructureError when the disk refuses.
    """
    state = _Unpacking(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with archive.open("rb") as file:
            _unpack_all(file, state)
    except OSError as error:
        raise InfrastructureError(f"'{archive}' could not be unpacked: {error}.") from error
    hidden = len(state.sentences) - _SENTENCES
    if hidden > 0:
        return [*state.sentences[:_SENTENCES], f"{hidden} more were left out."]
    return state.sentences


def _unpack_all(file: BinaryIO, state: _Unpacking) -> None:
    number = 0
    try:
        for number, member in enumerate(_iter_members(file), start=1):  # noqa: B007
            if number > MEMBERS:
                state.sentences.append(f"There are more than {MEMBERS} members; the rest is out.")
                return
            _unpack_one(file, member, state)
    except _BrokenError as error:
        if not number:
            raise NoArchiveError(f"What came back from the tester is no tar: {error}.") from error
        state.sentences.append(f"The archive is damaged after {number} members: {error}.")


def _iter_members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Yield each member with the file at its data; it may be read or not."""
    name = None
    position = 0
    end = file.seek(0, os.SEEK_END)
    while member := _header(file, position):
        data = position + _BLOCK
        # No file system seeks as far as a size may claim.
        position = min(data + (member.size + _BLOCK - 1) // _BLOCK * _BLOCK, end)
        if member.type == tarfile.GNUTYPE_LONGNAME:
            name = _long_name(file, member)
            continue
        if name is not None:
            member.name, name = name, None
        file.seek(data)
        yield member


def _header(file: BinaryIO, position: int) -> tarfile.TarInfo | None:
    file.seek(position)
    block = file.read(_BLOCK)
    if position and not block.strip(b"\0"):
        return None
    try:
        member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise _BrokenError(str(error)) from error
    if member.size < 0:
        raise _BrokenError("a size is negative")
    return member


def _long_name(file: BinaryIO, member: tarfile.TarInfo) -> str:
    data = file.read(min(member.size, 2 * _NAME_BYTES))
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _unpack_one(file: BinaryIO, member: tarfile.TarInfo, state: _Unpacking) -> None:
    try:
        path = state.directory / _checked_name(member.name)
        if member.isdir():
            _make_directory(path)
        elif member.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            state.left -= _write(file, member.size, path, state.left)
        else:
            raise _RefusedError("is neither a file nor a directory")
    except _RefusedError as refusal:
        name = clip(visible_line(member.name), _SHOWN_CHARACTERS)
        state.sentences.append(f"'{name}' {refusal}.")


def _checked_name(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise _RefusedError("is outside of the directory")
    if visible_line(name) != name:
        raise _RefusedError("has a name that cannot be shown")
    sizes = [len(part.encode()) for part in path.parts]
    if max(sizes, default=0) > _PART_BYTES or sum(sizes) + len(sizes) > _NAME_BYTES:
        raise _RefusedError("has too long a name")
    return path


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _RefusedError("is below or instead of a file") from error


def _write(file: BinaryIO, size: int, path: Path, left: int) -> int:
    """Copy the next `size` bytes of `file` to a new file; return how many there were."""
    if size > left:
        raise _RefusedError(
            f"is left out, for all together would hold more than {ARCHIVE_BYTES} bytes"
        )
    _make_directory(path.parent)
    try:
        target = path.open("xb")
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.EISDIR):
            raise
        raise _RefusedError("is there already") from error
    missing = size
    with target:
        while missing and (piece := file.read(min(missing, _PIECE_BYTES))):
            target.write(piece)
            missing -= len(piece)
    if missing:
        raise _RefusedError("is cut off")
    return size
