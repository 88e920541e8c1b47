# SPDX-License-Identifier: Apache-2.0
"""What is to be built and installed, and what that takes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.groups.ledger import Ledger


@dataclass(frozen=True)
class Part:
    """A project as it is to be installed: from its code, or as a release.

    `export` writes the tree whose id is `tree` to a path, as a tar. For a release,
    which pip fetches, they are None and "".
    """

    project: str
    package: str
    version: str
    tree: str = ""
    export: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Workshop:
    """Where code is built: on which layers, topmost first, and where its output is kept."""

    ledger: Ledger
    cache: Path
    lowers: tuple[Path, ...]
    run_directory: Path
    silence_seconds: float
    say: Callable[[str], None]
