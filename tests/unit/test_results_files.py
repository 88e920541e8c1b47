# SPDX-License-Identifier: Apache-2.0
"""Tests of writing files whole."""

import os
import resource

import pytest

from osci_jobs.errors import InfrastructureError
from osci_jobs.results.files import create_text, write_text


def test_a_file_appears_with_its_directories_and_nothing_beside_it(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "ü\n")
    write_text(tmp_path / "a" / "b.txt", "again\n")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a" / "b.txt").read_text("utf-8") == "again\n"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "b.txt"
    write_text(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        with pytest.raises(InfrastructureError, match="could not be written: File too large"):
            write_text(path, "new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_a_directory_that_cannot_be_made_is_infrastructure(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InfrastructureError, match=r"'.*/a/b.txt' could not be written"):
        write_text(tmp_path / "a" / "b.txt", "x")


def test_a_file_is_created_once(tmp_path):
    path = tmp_path / "a" / "b.txt"
    assert create_text(path, "first")
    assert not create_text(path, "second")
    assert [(one.name, one.read_text()) for one in path.parent.iterdir()] == [("b.txt", "first")]


def test_what_a_killed_creation_left_harms_nobody(tmp_path):
    path = tmp_path / "b.txt"
    aside = tmp_path / f".b.txt.{os.getpid()}.new"
    write_text(path, "whole")
    os.link(path, aside)
    assert not create_text(path, "x")
    assert (path.read_text(), aside.exists()) == ("whole", False)


def test_a_file_that_cannot_be_created_is_infrastructure(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InfrastructureError, match=r"'.*/a/b.txt' could not be written"):
        create_text(tmp_path / "a" / "b.txt", "x")
