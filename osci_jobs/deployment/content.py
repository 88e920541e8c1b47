# SPDX-License-Identifier: Apache-2.0
"""The text of a deployment file, read without trust in its kind, size or encoding."""

import stat
from pathlib import Path

from ..errors import ConfigurationError
from .faults import printable

LIMIT_BYTES = 1024 * 1024

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read(path: Path) -> bytes:
    """Return the bytes of a regular file of at most 1 MiB; raises ConfigurationError.

    Kind and size are looked at before the file is opened: a fifo would wait
    for its writer, and `/dev/zero` never ends.
    """
    try:
        _check_status(path)
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise _error(path, f"The file cannot be read: {error.strerror}.") from error
    _check_size(path, len(content))
    return content


def decode(path: Path, content: bytes) -> str:
    """Return the text of the file; raises ConfigurationError."""
    if content.startswith(_BYTE_ORDER_MARKS):
        raise _error(path, "The file starts with a byte-order mark, expected plain UTF-8.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error(path, f"The file is not UTF-8: see the byte at {error.start}.") from error
    if not text.strip():
        raise _error(path, "The file is empty, expected a JSON object.")
    return text


def _check_status(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise _error(path, "This is a directory, expected a file.")
    if not stat.S_ISREG(status.st_mode):
        raise _error(path, "This is not a regular file.")
    _check_size(path, status.st_size)


def _check_size(path: Path, size_bytes: int) -> None:
    if size_bytes > LIMIT_BYTES:
        raise _error(path, "The file is larger than 1 MiB, expected a few kilobytes.")


def _error(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError(f"{printable(str(path))}: {message}")
