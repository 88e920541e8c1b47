# SPDX-License-Identifier: Apache-2.0
"""What a layer is kept under, and what is kept of a harvest."""

import json
import shutil
import tarfile

import pytest

from osci_jobs import data
from osci_jobs.groups import Group
from osci_jobs.results.runlog import RunLog
from osci_jobs.run.steps import _digests, _keep_harvest


def digests(tree):
    return _digests(tree / "install.yml", "openstack")


def test_a_layer_is_the_same_from_the_tree_and_from_an_environment(tmp_path):
    tree = tmp_path / "playbooks"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(data.directory() / "playbooks", tree, ignore=ignored)
    before = digests(tree)
    compiled = tree / "roles" / "openstack" / "files" / "osci_ml2" / "__pycache__"
    compiled.mkdir()
    (compiled / "osci_ml2.cpython-311.pyc").write_bytes(b"compiled")
    assert digests(tree) == before


def test_a_layer_is_another_with_other_constraints(tmp_path):
    tree = tmp_path / "playbooks"
    shutil.copytree(data.directory() / "playbooks", tree)
    before = digests(tree)
    (tree / "roles" / "openstack" / "files" / "constraints.txt").write_text("nova==1\n")
    assert digests(tree) != before


@pytest.fixture
def group(tmp_path):
    """A group of one host without services, whose only secret is 'geheim'."""
    made = Group("osci-1", "run", "single", tmp_path, {"host1": "10.77.0.11"}, {})
    made.secrets.write_text(json.dumps({"database/nova": "geheim"}))
    return made


def keep(group, archive, tmp_path):
    with RunLog(tmp_path / "run" / "log.jsonl") as log:
        return _keep_harvest(group, "host1", archive, tmp_path / "run", log)


def test_what_a_host_left_is_kept_without_the_groups_secrets(group, tmp_path):
    (tmp_path / "nova.log").write_text("the password is geheim\n")
    with tarfile.open(tmp_path / "harvest.tar", "w") as archive:
        archive.add(tmp_path / "nova.log", arcname="./nova.log")
    assert keep(group, tmp_path / "harvest.tar", tmp_path) == []
    kept = tmp_path / "run" / "logs" / "host1" / "nova.log"
    assert kept.read_text() == "the password is ***\n"


def test_an_archive_that_is_none_is_the_error_of_its_host(group, tmp_path):
    (tmp_path / "harvest.tar").write_text("rubbish")
    (trouble,) = keep(group, tmp_path / "harvest.tar", tmp_path)
    assert (trouble.verdict, trouble.host) == ("infrastructure", "host1")
    assert "'host1' cannot be read" in str(trouble)
