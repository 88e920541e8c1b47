# SPDX-License-Identifier: Apache-2.0
"""A change held against trunk, on bare hosts: what differs between the sides is a file of the
suite, which is another one when the second side brings it."""

import json

import pytest

# Answers as the file that it was brought with says, once the next one may be there.
PROGRAM = """
import json, pathlib, time
time.sleep(3)
cases = json.loads(pathlib.Path("answer.json").read_text())
xml = "".join(
    f'<testcase name="{name}">' + ('' if is_good else '<failure message="It broke."/>')
    + '</testcase>'
    for name, is_good in cases.items()
)
pathlib.Path("junit.xml").write_text(f"<testsuite>{xml}</testsuite>")
"""
GOOD = {"boots": True, "lists": True, "broken": False}
BAD = {"boots": False, "lists": True, "broken": False}
MENDED = {"boots": True, "lists": True, "broken": True}


@pytest.fixture
def hold(osci, tmp_path):
    """Hold a side that answers so against one that answers otherwise."""
    osci.deployments = tmp_path / "deployments"
    osci.deployments.mkdir()
    answer, program = tmp_path / "answer.json", tmp_path / "program.py"
    program.write_text(PROGRAM)
    suite = {
        "suite": "command",
        "name": "program",
        "command": ["/usr/bin/python3", "program.py"],
        "copy": ["../answer.json", "../program.py"],
        "junit": "junit.xml",
    }
    document = {"host": [{"name": "host1"}], "suites": [suite]}
    (osci.deployments / "bare.json").write_text(json.dumps(document))

    def start(first: dict):
        answer.write_text(json.dumps(first))
        return osci.start("regression", "bare", "--null", "--suites-only", "--json")

    def hold(first: dict, *rest: dict):
        command = start(first)
        for following in rest:
            # It is packed before the hosts are asked to do anything.
            command.wait_for("Run the suite")
            answer.write_text(json.dumps(following))
        return command.finish()

    hold.start = start
    return hold


def standings(done) -> dict[str, str]:
    return {one["case"]: one["standing"] for one in done.json["cases"]}


@pytest.mark.full
def test_two_sides_that_do_the_same_are_a_success(hold, osci):
    done = hold(GOOD)
    assert done.code == 0, done.err
    assert standings(done) == {"broken": "fails on trunk too"}
    assert done.json["headline"] == "Nothing got worse or better"
    (directory,) = osci.runs
    names = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    assert names >= {
        *("run.json", "report.txt", "report.html", "junit/regression.xml"),
        *("before/run.json", "before/junit/program.xml", "after/report.html"),
    }
    assert not (directory / "rerun").exists()
    assert osci("report", str(directory)).code == 0


def test_what_fails_again_on_a_fresh_group_is_new(hold, osci):
    done = hold(GOOD, BAD)
    assert (done.code, done.json["verdict"]) == (1, "failure"), done.err
    assert standings(done) == {"boots": "newly failing", "broken": "fails on trunk too"}
    assert done.json["headline"] == "1 newly failing"
    (directory,) = osci.runs
    text = (directory / "report.txt").read_text()
    assert "program: boots\n    > It broke.\n    It failed again on a fresh group." in text
    record = json.loads((directory / "rerun" / "run.json").read_text())
    assert record["suites"]["program"]["failed"] == 2
    assert (
        len({json.loads(path.read_text())["group"] for path in directory.glob("*/run.json")}) == 3
    )


@pytest.mark.full
def test_what_passes_on_a_fresh_group_is_flaky(hold):
    done = hold(GOOD, BAD, GOOD)
    assert (done.code, done.json["verdict"]) == (0, "success"), done.err
    assert standings(done) == {"boots": "flaky", "broken": "fails on trunk too"}


@pytest.mark.full
def test_what_suites_said_of_trunk_a_short_time_ago_holds(hold, osci):
    assert hold(GOOD).code == 0
    done = hold(GOOD)
    assert done.code == 0, done.err
    assert "What the suites say of trunk is that of the run in" in done.err
    assert "before: create" not in done.err
    assert standings(done) == {"broken": "fails on trunk too"}
    assert "before: create" in hold(MENDED).err  # another suite


@pytest.mark.full
def test_what_is_mended_is_told(hold):
    done = hold(GOOD, MENDED)
    assert done.code == 0, done.err
    assert standings(done) == {"broken": "newly passing"}
    assert done.json["headline"] == "1 newly passing"


def test_ctrl_c_leaves_what_is_known_and_no_group(osci, hold, interrupt):
    command = hold.start(GOOD)
    command.wait_for("after: program …")
    command.signal(interrupt)
    done = command.finish()
    assert (done.code, done.json["verdict"]) == (130, "interrupted")
    assert standings(done) == {}
    (directory,) = osci.runs
    assert json.loads((directory / "before" / "run.json").read_text())["suites"]["program"]["cases"]
