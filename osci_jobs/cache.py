# SPDX-License-Identifier: Apache-2.0
"""Entries of the cache, each a directory that one command at a time makes or changes."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from osci_jobs.errors import InfrastructureError


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[tuple[Path, bool]]:
    """Hold the lock on one entry; yields it and whether it is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("w")
    except OSError as error:
        raise InfrastructureError(
            f"The cache '{path.parent}' cannot be written: {error.strerror}; "
            "name another with --cache-dir or OSCI_CACHE_DIR."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path, path.is_dir()
