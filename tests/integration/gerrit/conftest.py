# SPDX-License-Identifier: Apache-2.0
"""One real Gerrit for all tests in this directory, and a project `nova` for each."""

import uuid

import pytest
from leftovers import machine

from gerrit import server
from gerrit.repository import Repository
from gerrit.server import Gerrit


@pytest.fixture(scope="package")
def gerrit(tmp_path_factory):
    """Start the server, and see that its end leaves no process."""
    before = machine()["processes"]
    directory = tmp_path_factory.mktemp("gerrit")
    server.install_packages()
    gerrit = Gerrit(server.fetch_artifacts(directory / "state"), directory)
    try:
        gerrit.start()
        yield gerrit
    finally:
        gerrit.stop()
    assert machine()["processes"] - before == set()


@pytest.fixture
def make_repository(gerrit, tmp_path):
    """Make a project whose name ends in a word, and a clone of it."""

    def make_repository(name: str) -> Repository:
        return Repository(gerrit, f"t{uuid.uuid4().hex[:8]}/{name}", tmp_path / name)

    return make_repository


@pytest.fixture
def nova(make_repository):
    return make_repository("nova")
