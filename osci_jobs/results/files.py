# SPDX-License-Identifier: Apache-2.0
"""Files on disk: written whole, read with a limit."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from osci_jobs.errors import InfrastructureError


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 so that `path` appears whole or not at all; safe to repeat.

    The directory of `path` is made if it is not there. Raises
    InfrastructureError when the disk refuses.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_synced(aside, text.encode())
        os.replace(aside, path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise InfrastructureError(
            f"The file '{path}' could not be written: {error.strerror}."
        ) from error


def create_text(path: Path, text: str) -> bool:
    """Write as `write_text` does, but only where there is nothing; tell whether it was done.

    Of several that do so at once, one alone is told so. Raises as `write_text` does.
    """
    # Not the name that `write_text` uses: a link that a kill leaves is the same file.
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        _write_synced(aside, text.encode())
        is_new = _link(aside, path)
        _sync_directory(path.parent)
    except OSError as error:
        raise InfrastructureError(
            f"The file '{path}' could not be written: {error.strerror}."
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink()
    return is_new


def open_regular(path: Path) -> BinaryIO:
    """Open a stranger's file for reading.

    Raises OSError for what cannot be read and for what is not a regular file: a
    link could point outside the run's directory, a pipe could wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file", str(path))
    return open(descriptor, "rb")


def read_capped(path: Path, limit: int) -> tuple[bytes, bool]:
    """Return the first `limit` bytes of a stranger's file, and whether it holds more.

    Raises as `open_regular` does.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    return data[:limit], len(data) > limit


def is_locked(path: Path) -> bool:
    """Tell whether a process that is alive holds the kernel's lock on the file."""
    try:
        with open_regular(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _link(aside: Path, path: Path) -> bool:
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    return True


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
