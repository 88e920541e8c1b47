# SPDX-License-Identifier: Apache-2.0
"""Artifacts by real Maven: a small one, one that is another, one that is not there."""

import json

import pytest

from osci_jobs import groups
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import maven, tools

SMALL = "org.jvnet.hudson.plugins:build-timeout:1.6:hpi"
DIGEST = "b323b287e97b0847c14020907f1c1c13bce7c9a68ca7796ea811e286517cbd73"


@pytest.fixture
def fetch(tmp_path):
    """Fetch one artifact; what a failure left behind goes with the ledger."""
    tools.ensure("hudson", print, may_install=True)
    ledger = groups.open_ledger(tmp_path / "state", "osci-test", "run")
    said = []

    def fetch(coordinates: str, digest: str):
        listed = tmp_path / "artifacts.json"
        artifact = {"coordinates": coordinates, "sha256": digest}
        listed.write_text(json.dumps({"plugins/small.hpi": artifact}))
        return maven.ensure(ledger, tmp_path / "cache", listed, 120, said.append), said

    yield fetch
    groups.delete(ledger)
    left = [path for path in (tmp_path / "cache").rglob("*.partial*") if path.is_dir()]
    assert left == []


def test_an_artifact_is_fetched_once(fetch):
    directory, said = fetch(SMALL, DIGEST)
    assert (directory / "plugins" / "small.hpi").read_bytes().startswith(b"PK")
    assert len(said) == 1
    assert fetch(SMALL, DIGEST) == (directory, said)
    assert len(said) == 1


def test_an_artifact_that_is_another_is_refused(fetch):
    with pytest.raises(InfrastructureError, match=f"has the SHA-256 {DIGEST}, expected 0000"):
        fetch(SMALL, "0000")


def test_an_artifact_that_is_not_there_is_named(fetch):
    with pytest.raises(
        InfrastructureError, match="Maven could not fetch 'org.example:nosuch:1:hpi'"
    ):
        fetch("org.example:nosuch:1:hpi", DIGEST)
