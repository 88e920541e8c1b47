# SPDX-License-Identifier: Apache-2.0
"""What is asked of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.deployment import Deployment, Limit, Source, Suite
from osci_jobs.deployment.projects import Projects


@dataclass(frozen=True)
class Order:
    """One run, as the command line asks for it.

    `group` is the name of a group to use, "" for one of the run's own. `until`
    is the last phase before harvest, "" for all of them. `keep` is
    "never", "failed", "always", or "success": what `osci create` makes stays
    when it came up.
    """

    command: str
    arguments: tuple[str, ...]
    deployment: Deployment
    sources: tuple[Source, ...]
    projects: Projects
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
    allow_dirty: bool

    @property
    def own_group(self) -> str:
        """The name of the group that the run makes, by the token that the two share."""
        return "osci-" + self.run.rpartition("-")[2]
