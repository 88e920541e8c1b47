# SPDX-License-Identifier: Apache-2.0
"""What a layer is kept under."""

import shutil

from osci_jobs import data
from osci_jobs.run.steps import _digests


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
