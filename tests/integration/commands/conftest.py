# SPDX-License-Identifier: Apache-2.0
"""Running osci as its user does, in a directory of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Finished

from osci_jobs import deployment, groups
from osci_jobs.groups import Group, model, netns


class Osci:
    """osci with its state, its cache, its deployments and an empty working directory."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.work = directory / "work"
        self.state = directory / "state"
        self.cache = directory / "cache"
        self.deployments = directory / "deployments"
        self.work.mkdir()
        self.deployments.mkdir()
        self.environment = {
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "OSCI_CACHE_DIR": str(self.cache),
            "OSCI_DEPLOYMENT_CONFIG_DIR": str(self.deployments),
            "OSCI_STATE_DIR": str(self.state),
            "PATH": os.environ["PATH"],
            "PYTHONWARNINGS": "error",
        }

    def __call__(self, *words: str, prefix=(), cwd: Path | None = None) -> Finished:
        """Run one command line, after the words of `prefix`."""
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "osci_jobs", *words],
            cwd=cwd or self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, **document: object) -> Path:
        """Write a deployment file."""
        path = self.deployments / f"{name}.json"
        path.write_text(json.dumps(document))
        return path

    def keep_group(self, name: str, deployment_name: str) -> Group:
        """Leave a group of a deployment without any host, as `osci create` leaves one with them."""
        of = deployment.load(self.deployments, deployment_name)
        ledger = groups.open_ledger(self.state, name, "run-1")
        group = Group(
            name=name,
            run="run-1",
            deployment=deployment_name,
            directory=ledger.path.with_suffix(""),
            hosts=netns.addresses(of.hosts),
            services=of.services,
        )
        ledger.record("make", "tree", str(group.directory))
        group.directory.mkdir()
        model.save(group)
        ledger.record("keep")
        ledger.close()
        return group

    @property
    def made(self) -> set[str]:
        """The names of what osci made in the test's directory."""
        work = {f"work/{path.name}" for path in self.work.iterdir()}
        return work | {path.name for path in (self.state, self.cache) if path.exists()}


@pytest.fixture
def osci(tmp_path):
    """Run osci with the deployments `hosts` (a suite `reach`) and `bare` (no suite)."""
    command = Osci(tmp_path)
    reach = {"suite": "command", "name": "reach", "command": ["true"], "junit": "junit.xml"}
    command.write("hosts", host=[{"name": "host1"}, {"name": "host2"}], suites=[reach])
    command.write("bare", host=[{"name": "host1"}])
    return command
