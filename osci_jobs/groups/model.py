# SPDX-License-Identifier: Apache-2.0
"""A group as the rest of osci sees it, and the files in its directory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

TESTER = "tester"
# Short, for ssh puts sockets below it whose paths may have 108 characters, and in
# memory, for Ansible's variables are written there.
SCRATCH = Path("/run/osci")


@dataclass(frozen=True)
class Group:
    """The hosts of one run.

    `hosts` maps each name, `tester` included, to its address; `services` maps
    each service to the names of the hosts that run it, and is empty where no
    OpenStack is deployed.
    """

    name: str
    run: str
    deployment: str
    directory: Path
    hosts: Mapping[str, str]
    services: Mapping[str, tuple[str, ...]]

    @property
    def scratch(self) -> Path:
        """Where files of a moment go; it is removed with the group."""
        return scratch(self.name)

    @property
    def ssh_config(self) -> Path:
        """The OpenSSH client configuration by which every host is reached."""
        return self.directory / "ssh_config"

    @property
    def secrets(self) -> Path:
        """The passwords of the group's services, readable by root only."""
        return self.directory / "secrets.json"

    @property
    def clouds(self) -> Path:
        """The openstacksdk configuration of the deployed cloud."""
        return self.directory / "clouds.yaml"

    @property
    def made_from(self) -> Path:
        """What the group was made from: events of a run log, for the runs on it."""
        return self.directory / "made_from.json"

    @property
    def conf(self) -> Path:
        """How `jenkins-jobs` and osci reach the group's Hudson, its password included."""
        return self.directory / "jenkins_jobs.ini"


def scratch(name: str) -> Path:
    """Return where the files of a moment go for the group `name`."""
    return SCRATCH / name


def save(group: Group):
    """Write the group's own description into its directory."""
    document = {field.name: getattr(group, field.name) for field in fields(group)}
    document |= {"directory": str(group.directory), "hosts": dict(group.hosts)}
    document["services"] = dict(group.services)
    path = group.directory / "group.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load(directory: Path) -> Group:
    """Read a group's description back; raise FileNotFoundError when there is none."""
    document = json.loads((directory / "group.json").read_text(encoding="utf-8"))
    services = {name: tuple(hosts) for name, hosts in document["services"].items()}
    return Group(**{**document, "directory": Path(document["directory"]), "services": services})
