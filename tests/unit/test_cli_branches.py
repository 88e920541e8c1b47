# SPDX-License-Identifier: Apache-2.0
"""What `--branch` and its kin ask for."""

import argparse
import json
from pathlib import Path

import pytest

from osci_jobs import deployment
from osci_jobs.cli import arguments, branches, parameters
from osci_jobs.deployment import projects
from osci_jobs.errors import ConfigurationError

PROJECTS = projects.load()


@pytest.fixture
def sources(tmp_path):
    """Return the sources of a command line on a deployment with sources of its own."""
    cloud = {"host": [{"name": "host1"}], "api": [{"host": "host1"}]}
    own = {"nova": "gerrit:1", "glance": "33.0.0"}
    (tmp_path / "x.json").write_text(json.dumps({**cloud, "sources": own}))
    (tmp_path / "bare.json").write_text(json.dumps({"host": cloud["host"]}))

    def sources(*words, name="x", environment=None):
        asked = arguments.parser().parse_args(
            ["functional", name, *words], argparse.Namespace(words=[])
        )
        if environment:
            asked = parameters.applied(asked, environment)
        found = branches.sources(asked, deployment.load(tmp_path, name), PROJECTS)
        return {source.project: source for source in found}

    return sources


def test_those_of_the_deployment_stand_until_the_command_line_has_another(sources):
    found = sources("--branch", "nova=https://example.org/nova@fix", "--branch", "placement=16.0.0")
    assert {name: source.text for name, source in found.items()} == {
        "glance": "33.0.0",
        "nova": "https://example.org/nova@fix",
        "placement": "16.0.0",
    }
    assert sources()["nova"].method == "merge"


def test_a_method_is_for_all_of_the_command_line(sources):
    words = ("--branch", "nova=https://example.org/nova", "--branch", "keystone=rebase:lp:keystone")
    found = sources(*words, "--merge")
    assert {name: source.method for name, source in found.items()} == {
        "glance": "as-is",
        "keystone": "rebase",
        "nova": "merge",
    }


def test_a_trunk_is_for_its_project(sources):
    found = sources("--branch", "nova=gerrit:2", "--trunk", "nova=git://example.org/nova@main")
    assert (found["nova"].trunk_url, found["nova"].trunk_ref) == ("git://example.org/nova", "main")


def test_a_checkout_is_a_whole_path(sources, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert sources("--branch", "nova=./nova")["nova"].url == str(tmp_path.resolve() / "nova")


def test_all_faults_are_told(sources):
    with pytest.raises(ConfigurationError) as caught:
        sources(
            *("--branch", "nova", "--branch", "nava=1", "--branch", "glance=ext::sh"),
            *("--branch", "keystone=1", "--branch", "keystone=2", "--trunk", "neutron=x"),
        )
    told = str(caught.value).splitlines()
    assert len(told) == 5
    assert "expected PROJECT=SOURCE" in told[0]
    assert "Did you mean 'nova'?" in told[1]
    assert "'keystone' is there a second time" in told[2]
    assert 'glance: found "ext::sh"' in told[3]
    assert "no --branch of 'neutron'" in told[4]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--branch", "nova=1", "--group", "osci-1"), "has its software already"),
        (("--branch", "glance=1", "--branch", "nova=1", "--merge"), "could meet trunk"),
    ],
)
def test_what_makes_no_sense_is_refused(sources, words, told):
    with pytest.raises(ConfigurationError, match=told):
        sources(*words)


def test_bare_hosts_have_no_branches(sources):
    with pytest.raises(ConfigurationError, match="places no services"):
        sources("--branch", "nova=1", name="bare")


def test_a_jobs_parameter_has_several_and_no_paths(sources):
    lines = "\r\n nova=https://example.org/nova@x \r\n\r\nglance=33.0.1 keystone=30.0.0"
    found = sources(environment={"BRANCH": lines, "MERGE": "rebase"})
    assert (found["nova"].url, found["nova"].method) == ("https://example.org/nova", "rebase")
    assert (found["glance"].ref, found["keystone"].ref) == ("33.0.1", "30.0.0")
    for text in ("/srv/nova", "./nova", "file:///srv/nova", "merge:/srv/nova"):
        with pytest.raises(ConfigurationError, match="BRANCH: nova: .*expected no path"):
            sources(environment={"BRANCH": f"nova={text}"})


def test_an_unknown_way_of_a_job_is_refused():
    asked = arguments.parser().parse_args(["functional", "x"], argparse.Namespace(words=[]))
    with pytest.raises(ConfigurationError, match="MERGE: found 'yes', expected merge, rebase or"):
        parameters.applied(asked, {"MERGE": "yes"})


def test_what_a_job_is_to_do_is_checked_before(tmp_path):
    asked = arguments.parser().parse_args(
        ["trigger", "x", "--branch", "nova=gerrit:1", "--branch", "glance=lp:glance"]
    )
    assert branches.parameter(asked, PROJECTS) == ["nova=gerrit:1", "glance=lp:glance"]
    asked.branch = [f"nova={Path.cwd()}"]
    with pytest.raises(ConfigurationError, match="expected no path"):
        branches.parameter(asked, PROJECTS)
