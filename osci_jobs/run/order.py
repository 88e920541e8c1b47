# SPDX-License-Identifier: Apache-2.0
"""What is asked of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osci_jobs.deployment import Deployment, Limit, Source, Suite
from osci_jobs.deployment.projects import Projects

# Rounds of two sides that are left out, at the most, while a cloud warms up.
MOST_WARM_UP = 3


@dataclass(frozen=True)
class Order:
    """One run, as the command line asks for it.

    `group` is the name of a group to use, "" for one of the run's own. `until`
    is the last phase before harvest, "" for all of them. `keep` is
    "never", "failed", "always", or "success": what `osci create` makes stays
    when it came up. What `is_quiet` does nothing by itself: no heartbeats, no periodic tasks.
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
    is_quiet: bool = False

    @property
    def own_group(self) -> str:
        """The name of the group that the run makes, by the token that the two share."""
        return "osci-" + self.run.rpartition("-")[2]


@dataclass(frozen=True)
class Plan:
    """How two sides are measured in pairs.

    `pieces` are the scenarios, as long as one round has them. Measuring ends after `pairs`
    pairs, or when another would not end within `seconds` from its start. With
    `is_until_clear` it goes on for metrics that are undecided, to `most_pairs`. `seed` says
    which side comes first in each pair. `history` is the file of what null runs that were
    measured alike have shown.
    """

    pieces: tuple[Mapping[str, Any], ...]
    pairs: int
    most_pairs: int
    seconds: float
    is_until_clear: bool
    seed: int
    history: Path


@dataclass(frozen=True)
class Pairing:
    """A run of two sides: `order` is that of the whole, the others those of its sides.

    Trunk, or whatever is compared with, is `before`. Their directories lie in the whole's.
    """

    order: Order
    before: Order
    after: Order
    plan: Plan


@dataclass(frozen=True)
class Proposal:
    """A change to be held against trunk: `order` is that of the whole, with what is proposed.

    `projects` are those that a change is proposed of. The orders of the sides and of the
    rerun take their sources from what is fetched. `suites` run on both sides; then load is
    put on them by the `plan`, where there is one. `is_null` lets it go on where nothing differs.
    """

    order: Order
    before: Order
    after: Order
    rerun: Order
    projects: tuple[str, ...]
    suites: tuple[Suite, ...]
    plan: Plan | None
    is_null: bool
