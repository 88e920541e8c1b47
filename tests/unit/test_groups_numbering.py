# SPDX-License-Identifier: Apache-2.0
"""Tests of the version that a built commit has."""

import pytest
from packaging.version import Version

from osci_jobs.groups.numbering import version

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LABEL = "+g0123456789ab"


@pytest.mark.parametrize(
    ("tag", "distance", "expected"),
    [
        ("34.0.0", 0, "34.0.0"),
        ("34.0.0", 5, "34.0.1.dev5"),
        ("10.7", 3, "10.7.1.dev3"),
        ("34.0.0.0rc1", 0, "34.0.0.0rc1"),
        ("34.0.0.0rc1", 3, "34.0.0.0rc2.dev3"),
        ("2015.1.0b2", 7, "2015.1.0b3.dev7"),
        ("v1.2", 0, "1.2"),
        ("v1.2", 4, "1.2.1.dev4"),
        ("1.2.3.4", 1, "1.2.4.dev1"),
    ],
)
def test_a_commit_is_numbered_as_pbr_does(tag, distance, expected):
    found = version(tag, distance, COMMIT, "33.0.0")
    assert found == expected + LABEL
    assert Version(found).local == LABEL[1:]


@pytest.mark.parametrize("tag", ["", "foo", "1.2-3", "34.0.0rc", "1..2"])
def test_without_a_tag_it_is_the_pinned_release(tag):
    assert version(tag, 7, COMMIT, "33.0.0") == f"33.0.0{LABEL}"


def test_with_neither_tag_nor_pin_there_is_a_version():
    assert version("", 0, COMMIT, "") == f"0{LABEL}"


@pytest.mark.parametrize(("tag", "distance"), [("34.0.0", 0), ("34.0.0", 1), ("", 0)])
def test_what_others_require_of_the_pinned_release_is_met(tag, distance):
    assert Version(version(tag, distance, COMMIT, "34.0.0")) > Version("34.0.0")
