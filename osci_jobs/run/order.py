# SPDX-License-Identifier: Apache-2.0
"""What is asked of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.deployment import Deployment, Limit, Suite

KEEP = ("never", "failed", "always")


@dataclass(frozen=True)
class Order:
    """One run, as the command line asks for it.

    `group` is the name of a group to use, "" for one of the run's own. `until`
    is the last phase before harvest, "" for all of them. `keep` is one of KEEP,
    or "success": what `osci create` makes stays when it came up.
    """

    command: str
    arguments: tuple[str, ...]
    deployment: Deployment
    suites: tuple[Suite, ...]
    limits: Mapping[str, Limit]
    run: str
    run_directory: Path
    state: Path
    cache: Path
    keep: str
    group: str
    until: str
    may_install: bool
