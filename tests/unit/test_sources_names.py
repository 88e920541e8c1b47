# SPDX-License-Identifier: Apache-2.0
"""Tests of what is made of the names that a git server tells."""

import pytest

from osci_jobs.sources import remote, version


@pytest.mark.parametrize(
    "name",
    [
        "1",
        "v1.0",
        "1.0.0-1",
        "1.0.0rc",
        "kilo-eol",
        "1.0.0/2",
        "1.0.0\n",
        "",
        "x1.0",
        "1..0",
        "١.٠",
    ],
)
def test_what_is_no_version_has_no_key(name):
    assert version.key(name) is None


def test_versions_come_in_the_order_of_pep_440():
    names = ["2011.1", "2011.3a1", "2011.3b1", "2011.3rc1", "2011.3rc10", "2011.3", "2011.3.1"]
    assert sorted(reversed(names), key=version.key) == names


def test_a_candidate_has_the_zeros_that_its_release_lacks():
    assert version.key("31.0.0.0rc1") < version.key("31.0.0") < version.key("31.0.1.0rc1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://bob:s3cret@host/x", "https://***@host/x"),
        (
            "unable to access 'https://token@host/x/': no",
            "unable to access 'https://***@host/x/': no",
        ),
        ("https://host/a@b", "https://host/a@b"),
        ("a\x1b[31m\u202e\n", r"a\x1b[31m\u202e\n"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_what_is_shown_has_no_account_and_does_no_harm(text, shown):
    assert remote.shown(text) == shown


def test_the_nearest_names_of_many_are_found_at_once():
    there = [f"refs/heads/branch-{number}" for number in range(100_000)]
    message = remote.missing("https://host/x", "branch-100", there)
    assert "Did you mean 'branch-100'" in message


def test_names_that_are_all_far_are_not_told():
    message = remote.missing("https://host/x", "spiffy", ["refs/heads/master", "refs/tags/1.0"])
    assert message == "'https://host/x' has no branch, tag or ref 'spiffy'."
