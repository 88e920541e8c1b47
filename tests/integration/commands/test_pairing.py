# SPDX-License-Identifier: Apache-2.0
"""`osci stress --against`: what it would do, and what it refuses before anything is made."""

import shutil
from pathlib import Path

import pytest

TREE = Path(__file__).parents[3]


@pytest.fixture
def stress(osci):
    """Run `osci stress` on a deployment of one host."""
    shutil.copy(TREE / "config" / "deploy" / "single.json", osci.deployments / "one.json")
    return lambda *words: osci("stress", "one", *words)


def plan(done) -> dict:
    assert done.code == 0, done.err
    return done.json["plan"]


def test_the_null_run_has_no_source_on_either_side(stress):
    found = plan(stress("--against", "--dry-run", "--json", "--seed", "7"))
    assert (found["before"], found["after"]) == ([], [])
    assert (found["pairs"], found["most_pairs"], found["seed"]) == (5, 5, 7)
    assert "token" in found["scenarios"]


def test_each_side_has_its_sources(stress):
    url = "https://example.org/nova"
    sides = ("--against", f"nova={url}@master", "--against", "keystone=30.0.0")
    found = plan(stress(*sides, "--branch", f"nova={url}@fix", "--dry-run", "--json"))
    assert found["before"] == ["keystone=30.0.0 (as-is)", f"nova={url}@master (as-is)"]
    assert found["after"] == [f"nova={url}@fix (as-is)"]


def test_how_long_it_goes_on_can_be_said(stress):
    words = ("--pairs", "3", "--until-clear", "--budget", "10", "--scenario", "token")
    found = plan(stress("--against", *words, "--dry-run", "--json"))
    assert (found["pairs"], found["most_pairs"], found["scenarios"]) == (3, 9, ["token"])


def test_seeds_differ_unless_one_is_given(stress):
    words = ("--against", "--dry-run", "--json")
    assert plan(stress(*words))["seed"] != plan(stress(*words))["seed"]


def test_a_plan_is_told_to_people_too(stress):
    done = stress("--against", "--dry-run", "--scenario", "token")
    assert "before: as deployed\nafter: as deployed\nscenarios: token\n" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pairs", "3"), "--pairs: there are pairs with --against only."),
        (
            ("--until-clear", "--seed", "0", "--budget", "5"),
            "--budget, --until-clear, --seed: there are pairs with --against only.",
        ),
        (("--against", "--pairs", "0"), "found '0', expected a whole number from 1 to 100"),
        (("--against", "--pairs", "٣"), "expected a whole number from 1 to 100"),
        (("--against", "--budget", "1e3"), "found '1e3', expected a whole number from 1 to 1440"),
        (("--against", "nova"), '--against: found "nova", expected PROJECT=SOURCE.'),
        (("--against", "nvoa=34.0.0"), '--against: There is no project "nvoa".'),
        (("--against", "nova=--upload-pack=x"), '--against: nova: found "--upload-pack=x"'),
        (("--against", "--scenario", "tokne"), "tokne"),
    ],
)
def test_what_cannot_be_measured_is_told_before_anything_is_made(stress, words, message):
    done = stress(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_group_that_is_there_has_one_side_only(osci):
    done = osci("stress", "--group", "osci-abc123", "--against")
    assert done.code == 2
    assert "--group: both sides of --against need a group of their own." in done.err
