# SPDX-License-Identifier: Apache-2.0
"""Changes of a real Gerrit in runs of osci."""

import json
from pathlib import Path

import pytest
import trunk

SETUP = "[metadata]\nname = nova\n"


@pytest.fixture
def fetch(osci, gerrit, nova, tmp_path, monkeypatch):
    """Take a source of nova as far as its merge with trunk; return what the run says of it."""
    table = trunk.projects(tmp_path, gerrit=gerrit.url, projects={"nova": {"url": nova.url}})
    monkeypatch.setenv("OSCI_PROJECTS", str(table))
    osci.cache = tmp_path / "cache"

    def fetch(source: str) -> dict:
        done = osci("create", "single", "--until", "fetch", "--branch", f"nova={source}", "--json")
        assert done.code == 0, done.err + done.out
        found = done.json["sources"]["nova"]
        properties = json.loads((Path(done.json["run_directory"]) / "run.json").read_text())
        assert properties["sources"]["nova"] == found
        return found

    return fetch


def test_each_patch_set_is_merged_as_git_does(fetch, nova):
    base = nova.propose("Begin", **{"setup.cfg": SETUP, "a": "1\n", "b": "1\n"})
    nova.submit(base)
    number = nova.propose("Count hosts", a="2\n")
    first = nova.git("rev-parse", "HEAD")
    nova.amend(a="3\n")
    second = nova.git("rev-parse", "HEAD")
    nova.submit(nova.propose("Count all", b="2\n"))
    tip = nova.git("rev-parse", "origin/master")
    for source, proposed, patch_set in (
        (f"gerrit:{number}", second, "2"),
        (f"gerrit:{number}/1", first, "1"),
    ):
        found = fetch(source)
        assert (found["proposed"], found["trunk"]) == (proposed, tip)
        assert (found["merged"], found["tree"]) == nova.merged(proposed)
        assert found["details"]["number"] == str(number)
        assert found["details"]["patch_set"] == patch_set
        assert (found["files"], found["insertions"], found["deletions"]) == (1, 1, 1)


def test_a_change_for_a_stable_branch_meets_that(fetch, nova):
    nova.submit(nova.propose("Begin", **{"setup.cfg": SETUP, "a": "1\n"}))
    nova.make_branch("stable/2026.1")
    number = nova.propose("Mend", branch="stable/2026.1", a="2\n")
    stable = nova.git("rev-parse", "origin/stable/2026.1")
    found = fetch(f"gerrit:{number}")
    assert (found["trunk"], found["trunk_ref"]) == (stable, "refs/heads/stable/2026.1")
