# SPDX-License-Identifier: Apache-2.0
"""The command that gives a run again."""

import json
import shlex
from pathlib import Path

import pytest

from osci_jobs import cli
from osci_jobs.cli import arguments, branches
from osci_jobs.deployment import projects
from osci_jobs.regression import document
from osci_jobs.regression.document import Document
from osci_jobs.regression.model import Comparison

SUCCESS = Path(__file__).resolve().parents[1] / "data" / "results" / "success"
URL = "https://review.opendev.org/openstack/nova"
TRUNK = "https://opendev.org/openstack/nova"


COMPARED = Document(Comparison((), 0, None, False), {}, {"seed": 77})


def write_side(directory: Path, run: dict, sources: dict):
    """Write the record of one side of a run, with what differs of its source of nova."""
    nova = run["sources"]["nova"]
    directory.mkdir(parents=True)
    found = {**run, "sources": {"nova": {**nova, **sources}}}
    (directory / "run.json").write_text(json.dumps(found))


@pytest.fixture
def reproduce(tmp_path, capsys):
    """Reproduce a run whose run.json is that of the golden one, changed."""

    def reproduce(source=None, sides=None, **changes):
        run = json.loads((SUCCESS / "expected" / "run.json").read_text())
        for side, sources in (sides or {}).items():
            write_side(tmp_path / run["run"] / side, run, sources)
        run["sources"]["nova"].update(source or {})
        run.update(changes)
        directory = tmp_path / run["run"]
        directory.mkdir(exist_ok=True)
        document.write(directory / document.FILE, COMPARED)
        (directory / "run.json").write_text(json.dumps(run))
        (directory / "log.jsonl").write_text((SUCCESS / "log.jsonl").read_text())
        code = cli.main(["reproduce", "latest", "--output", str(tmp_path)])
        out, err = capsys.readouterr()
        return code, shlex.split(out), err

    return reproduce


def test_commits_take_the_place_of_names(reproduce):
    code, words, err = reproduce()
    assert code == 0
    assert words == [
        *("osci", "functional", "basic"),
        *("--branch", f"nova=merge:{URL}@9f2c1be77d5a63ee0c4a53a5ed2bd0ac1e0aa6c1"),
        *("--trunk", f"nova={TRUNK}@51e6c1d0a3b1f5d3a9b7e2dd94c1aa9f6f4b7a52"),
    ]
    asked = arguments.parser().parse_args(words[1:])
    assert branches.parameter(asked, projects.load())
    assert "The playbooks are not those of the run; the run was by osci at 10163e3" in err
    assert "The constraints are not those of the run" in err
    assert "The deployment 'basic' is not what it was in the run." in err


def test_the_rest_of_the_command_line_stays(reproduce):
    given = ["basic", "--branch", "nova=gerrit:987613", "--suite", "a b", "--timeout=7", "--ci"]
    _, words, _ = reproduce(arguments=[*given, "--json", "--keep", "failed", "--merge"])
    assert words[7:] == ["--suite", "a b", "--keep", "failed", "--timeout", "7"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"kind": "release", "ref": "34.0.0", "trunk": ""}, "34.0.0"),
        (
            {"kind": "checkout", "url": "/srv/nova", "method": "as-is", "trunk": ""},
            "as-is:file:///srv/nova@9f2c",
        ),
        (
            {
                "kind": "launchpad",
                "url": "bzr://127.0.0.1:4155/~bob/nova/x",
                "text": "lp:~bob/nova/x",
                "trunk": "",
            },
            "merge:lp:~bob/nova/x@9f2c",
        ),
    ],
)
def test_each_kind_has_its_own_words(reproduce, source, text):
    _, words, _ = reproduce(source)
    assert words[4].removeprefix("nova=").startswith(text)
    assert "--trunk" not in words


def test_a_trunk_that_no_git_has_is_the_mirrors(reproduce):
    _, words, _ = reproduce({"trunk_url": "bzr://127.0.0.1:4155/nova"})
    assert words[-1] == "nova=51e6c1d0a3b1f5d3a9b7e2dd94c1aa9f6f4b7a52"


@pytest.mark.parametrize(
    ("source", "changes", "told"),
    [
        ({"merged": ""}, {}, "ended before all of its sources were known"),
        ({"text": ""}, {"arguments": ["basic", "--branch", "nova=gerrit:1"]}, "ended before all"),
        ({}, {"arguments": ["--group", "osci-1"]}, "was on the group 'osci-1'"),
        ({}, {"command": "doctor"}, "none that can be reproduced"),
    ],
)
def test_what_cannot_be_reproduced_says_why(reproduce, source, changes, told):
    code, words, err = reproduce(source, **changes)
    assert (code, words) == (2, [])
    assert told in err


def test_load_is_named_with_its_scenarios(reproduce):
    given = ["basic", "--branch", "nova=gerrit:987613", "--scenario", "token"]
    _, words, _ = reproduce(command="stress", arguments=given)
    assert (words[1], words[-2:]) == ("stress", ["--scenario", "token"])


def test_both_sides_and_the_seed_are_named(reproduce):
    sides = {"before": {"method": "as-is", "trunk": ""}, "after": {}}
    given = ["basic", "--against", "nova=x", "--branch", "nova=y", "--pairs", "3"]
    code, words, _ = reproduce(sides=sides, command="stress", arguments=given, sources={})
    assert code == 0
    assert words == [
        *("osci", "stress", "basic"),
        *("--against", f"nova=as-is:{URL}@9f2c1be77d5a63ee0c4a53a5ed2bd0ac1e0aa6c1"),
        *("--branch", f"nova=merge:{URL}@9f2c1be77d5a63ee0c4a53a5ed2bd0ac1e0aa6c1"),
        *("--trunk", f"nova={TRUNK}@51e6c1d0a3b1f5d3a9b7e2dd94c1aa9f6f4b7a52"),
        *("--seed", "77", "--pairs", "3"),
    ]


def test_a_null_run_has_no_sources_to_name(reproduce):
    sides = {"before": {"text": ""}, "after": {"text": ""}}
    given = ["basic", "--against"]
    _, words, _ = reproduce(sides=sides, command="stress", arguments=given, sources={})
    assert words == ["osci", "stress", "basic", "--against", "--seed", "77"]


def test_a_first_side_that_was_merged_cannot_be_named(reproduce):
    given = ["basic", "--against", "nova=x", "--branch", "nova=y"]
    code, words, err = reproduce(
        sides={"before": {}, "after": {}}, command="stress", arguments=given, sources={}
    )
    assert (code, words) == (2, [])
    assert "is merged with trunk, and no option of 'osci stress' says that" in err


def test_a_change_is_named_by_its_commits_and_what_it_met(reproduce):
    given = ["basic", "--branch", "nova=lp:~bob/nova/x", "--suites-only", "--mail-to", "b@c.org"]
    code, words, _ = reproduce(command="regression", arguments=given)
    assert code == 0
    assert words == [
        *("osci", "regression", "basic"),
        *("--branch", f"nova=merge:{URL}@9f2c1be77d5a63ee0c4a53a5ed2bd0ac1e0aa6c1"),
        *("--trunk", f"nova={TRUNK}@51e6c1d0a3b1f5d3a9b7e2dd94c1aa9f6f4b7a52"),
        *("--seed", "77", "--suites-only"),
    ]
