# SPDX-License-Identifier: Apache-2.0
"""A Bazaar branch of nova on a Launchpad, brought to a build by its name."""

import json

import launchpad
import pytest
import story
import trunk

pytestmark = pytest.mark.full

TRUNK, SPIFFY = "~core/nova/trunk", "~bob/nova/spiffy"
PROPOSAL = {
    "source": SPIFFY,
    "target": TRUNK,
    "date": "2026-11-02T00:00:00+00:00",
    "status": "Needs review",
}


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """Nova's released code as a Bazaar trunk that went on, and Bob's branch of it."""
    directory = tmp_path_factory.mktemp("bazaar") / "branches"
    directory.mkdir()
    nova = trunk.make(tmp_path_factory.mktemp("nova"))
    nova.git("checkout", "--quiet", "first")
    first = story.files(nova.path)
    nova.git("checkout", "--quiet", "visible")
    changed = {
        name: text for name, text in story.files(nova.path).items() if first.get(name) != text
    }
    launchpad.make_branches(
        directory,
        {"branch": TRUNK, "revision": "trunk-1", "files": first},
        {"branch": SPIFFY, "base": TRUNK, "revision": "bob-1", "files": changed},
        {"branch": TRUNK, "revision": "trunk-2", "files": {"NEWS": "More of nova.\n"}},
    )
    return directory


@pytest.fixture
def service(hudson, branches):
    """A Launchpad with the branches and a proposal, known to the Hudson's agent and here."""
    table = {"nova": {"vcs": "Bazaar", "focus": TRUNK}}
    with (
        launchpad.serve_bazaar(branches) as bazaar,
        launchpad.serve(branches, projects=table, proposals=[PROPOSAL]) as url,
    ):
        hudson.osci.projects.write_text(json.dumps({"bazaar": bazaar, "launchpad": url}))
        yield url
    hudson.osci.projects.write_text("{}")


def test_bobs_branch_is_built_and_known_with_its_proposal(hudson, service):
    done = hudson.trigger("single", "--branch", f"nova=lp:{SPIFFY}", "--json")
    assert (done.code, done.json["verdict"]) == (0, "success"), done.err
    record = json.loads(hudson.artifact("single", done.json["build"], "run.json"))
    nova = record["sources"]["nova"]
    assert nova["details"]["revision"] == "bob-1"
    assert nova["details"]["proposal_status"] == "Needs review"
    assert nova["details"]["proposal_target"] == "lp:nova"  # what its focus is called
    assert nova["details"]["proposal_url"]
    assert (nova["method"], nova["files"]) == ("merge", 1)
    assert len({nova[name] for name in ("proposed", "trunk", "base", "merged")}) == 4
    assert nova["version"].startswith(f"{trunk.VERSION}+g{nova['merged'][:12]}")


def test_the_proposal_is_told_before_the_build(hudson, service):
    done = hudson.trigger("single", "--launchpad", SPIFFY, "--dry-run", "--json")
    assert done.code == 0, done.err
    plan = done.json["plan"]
    assert plan["parameters"]["BRANCH"] == f"nova=lp:{SPIFFY}"
    assert plan["proposals"]["nova"]["proposal_status"] == "Needs review"


def test_a_branch_that_is_not_there_is_refused_before_the_build(hudson, service):
    done = hudson.trigger("single", "--launchpad", "~bob/nova/none", "--json")
    assert (done.code, done.json["verdict"]) == (4, "source")
    assert "has no branch 'lp:~bob/nova/none'" in done.json["error"]
