# SPDX-License-Identifier: Apache-2.0
"""What was printed while code was built or installed, kept with the files of the run."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from osci_jobs.errors import OsciError
from osci_jobs.groups import registries
from osci_jobs.results import files
from osci_jobs.results.escape import visible

_DIRECTORY = "logs/sources"


@contextlib.contextmanager
def kept(run_directory: Path, name: str) -> Iterator[list[str]]:
    """Yield a list for lines, and write them to the run's log `name` however the body ends.

    An OsciError of the body says afterwards where they are.
    """
    lines: list[str] = []
    file = f"{_DIRECTORY}/{name}.log"
    try:
        yield lines
    except OsciError as error:
        error.file = error.file or file
        raise
    finally:
        text = "".join(f"{line}\n" for line in lines)
        files.write_text(run_directory / file, visible(registries.blanked(text)))
