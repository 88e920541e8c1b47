# SPDX-License-Identifier: Apache-2.0
"""A deployment as the rest of osci sees it: checked, resolved, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How a source meets trunk.
METHODS = ("merge", "rebase", "as-is")


@dataclass(frozen=True)
class Host:
    """A machine of the deployment; sizes are None where the provider decides."""

    name: str
    address: str  # "" means: the provider gives one
    cpus: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True)
class Server:
    """The database or broker that osci sets up on one of the hosts.

    `user` and `password` are an account that the deployment file asks for,
    besides those that osci makes for the services; both "" when there is none.
    """

    kind: str  # mysql, rabbit
    host: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Hudson:
    """The Hudson that osci sets up on one of the hosts, whose agent is this machine."""

    host: str
    executors: int  # how many builds the agent runs at once


@dataclass(frozen=True)
class Suite:
    """A suite to run: `suite` is its module and playbook, `name` its results' name."""

    name: str
    suite: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Limit:
    """How long a phase may take, and how long it may say nothing."""

    seconds: float
    silence_seconds: float


@dataclass(frozen=True)
class Job:
    """What the jobs of a deployment on a Hudson have in common, one for each family."""

    families: tuple[str, ...]
    label: str  # of the agents that may build it
    schedule: str  # cron; "" means: when somebody asks for it
    limit_minutes: int
    history: int  # how many builds are kept
    mail: tuple[str, ...]  # who hears of builds that are not stable


@dataclass(frozen=True)
class Source:
    """Where a project's code is to come from, as it was asked for: `text` is what was written.

    `url` and `ref` depend on the kind. release: "" and the version. git: the repository,
    and a branch, tag, ref or commit, "" for the repository's default branch. checkout: a
    path, and "". gerrit: "", and `NUMBER` or `NUMBER/PATCHSET`. launchpad: a branch
    (`~bob/nova/spiffy`), and a commit or "".
    """

    project: str
    text: str
    kind: str
    url: str
    ref: str
    method: str  # one of METHODS
    trunk_url: str = ""  # "" for that of the project
    trunk_ref: str = ""


@dataclass(frozen=True)
class Deployment:
    """One deployment configuration, resolved.

    `services` maps each service of SERVICES (see `place.py`) to the hosts that
    run it, in order; it is empty for a deployment without OpenStack.
    `origins` maps the path of each resolved value to where it came from.
    """

    name: str
    path: str
    digest: str
    description: str
    provider: str
    hosts: tuple[Host, ...]
    services: Mapping[str, tuple[str, ...]]
    scheduler: str  # simple, filter
    network: str  # flat
    driver: str  # fake
    database: Server | None
    broker: Server | None
    hudson: Hudson | None
    sources: tuple[Source, ...]
    suites: tuple[Suite, ...]
    stress: tuple[str, ...]  # the scenarios of load; none means all that there are
    limits: Mapping[str, Limit]
    job: Job
    origins: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def software(self) -> str:
        """What is installed and deployed on the hosts: openstack, hudson, or "" for nothing."""
        if self.services:
            return "openstack"
        return "hudson" if self.hudson else ""
