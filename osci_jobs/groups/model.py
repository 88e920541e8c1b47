# SPDX-License-Identifier: Apache-2.0
"""A group as the rest of osci sees it, and the files in its directory."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

TESTER = "tester"


@dataclass(frozen=True)
class Group:
    """The hosts of one run. `hosts` maps each name, `tester` included, to its address."""

    name: str
    run: str
    deployment: str
    digest: str
    directory: Path
    hosts: Mapping[str, str]

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


def save(group: Group):
    """Write the group's own description into its directory."""
    document = {**asdict(group), "directory": str(group.directory)}
    path = group.directory / "group.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load(directory: Path) -> Group:
    """Read a group's description back; raise FileNotFoundError when there is none."""
    document = json.loads((directory / "group.json").read_text(encoding="utf-8"))
    return Group(**{**document, "directory": Path(document["directory"])})
