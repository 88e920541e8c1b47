# SPDX-License-Identifier: Apache-2.0
"""Tests of the manifest."""

import hashlib
import json
import os

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import manifest


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "logs" / "control").mkdir(parents=True)
    (tmp_path / "run.json").write_text("{}\n")
    (tmp_path / "logs" / "control" / "nova.log").write_text("line\n")
    (tmp_path / os.fsdecode(b"odd\xff")).write_text("")
    manifest.write(tmp_path)
    return tmp_path


def test_each_file_has_its_size_and_digest(directory):
    found = json.loads((directory / "manifest.json").read_text())
    assert found["format"] == 1
    assert list(found["files"]) == ["logs/control/nova.log", "odd\udcff", "run.json"]
    assert found["files"]["run.json"] == {
        "bytes": 3,
        "sha256": hashlib.sha256(b"{}\n").hexdigest(),
    }


def test_a_directory_as_it_was_written_has_no_differences(directory):
    manifest.write(directory)
    assert manifest.verify(directory) == []


def test_each_difference_is_a_sentence(directory):
    (directory / "run.json").write_text("[]\n")
    (directory / "odd\udcff").write_text("more")
    (directory / "logs" / "control" / "nova.log").unlink()
    (directory / "new").write_text("")
    assert manifest.verify(directory) == [
        "The file 'logs/control/nova.log' is missing.",
        "The file 'new' is not in the manifest.",
        "The file 'odd\udcff' has 4 bytes instead of 0.",
        "The file 'run.json' has another content.",
    ]


def test_links_are_neither_followed_nor_listed(directory):
    (directory / "link").symlink_to("run.json")
    (directory / "up").symlink_to("/etc")
    (directory / "loop").symlink_to(".")
    os.mkfifo(directory / "pipe")
    assert manifest.verify(directory) == []


@pytest.mark.parametrize("content", [None, "rubbish", "[]", '{"format": 9}'])
def test_a_manifest_that_cannot_be_read_is_reported(tmp_path, content):
    if content:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ConfigurationError, match="manifest"):
        manifest.verify(tmp_path)
