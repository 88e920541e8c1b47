# SPDX-License-Identifier: Apache-2.0
"""The command that gives a run again."""

import json
import shlex
from pathlib import Path

import pytest

from osci_jobs import cli
from osci_jobs.cli import arguments, branches
from osci_jobs.deployment import projects

SUCCESS = Path(__file__).resolve().parents[1] / "data" / "results" / "success"
URL = "https://review.opendev.org/openstack/nova"
TRUNK = "https://opendev.org/openstack/nova"


@pytest.fixture
def reproduce(tmp_path, capsys):
    """Reproduce a run whose run.json is that of the golden one, changed."""

    def reproduce(source=None, **changes):
        run = json.loads((SUCCESS / "expected" / "run.json").read_text())
        run["sources"]["nova"].update(source or {})
        run.update(changes)
        directory = tmp_path / run["run"]
        directory.mkdir(exist_ok=True)
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
