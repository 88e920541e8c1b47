# SPDX-License-Identifier: Apache-2.0
"""Tests of the suite `command`: what its JUnit files become."""

import json

import pytest

from osci_jobs.results import cases, junit
from osci_jobs.suites import command

PASSED = '<testsuite><testcase classname="c" name="one" time="0.5"/></testsuite>'
FAILED = (
    '<testsuite><testcase name="two"><failure message="no">why</failure></testcase></testsuite>'
)


def _came(tmp_path, exit_code=0, log=b"", ended="exit", **junit_files):
    (tmp_path / "collected/out").mkdir(parents=True)
    for name, text in junit_files.items():
        (tmp_path / "collected/out" / f"{name}.xml").write_text(text, "utf-8")
    (tmp_path / "output.log").write_bytes(log)
    fields = {"ended": ended, "exit_code": exit_code, "seconds": 2.5}
    (tmp_path / "outcome.json").write_text(json.dumps(fields), "utf-8")


def _read(tmp_path):
    command.read(tmp_path)
    return cases.read(tmp_path / "cases.jsonl")


def test_junit_becomes_cases(tmp_path):
    _came(tmp_path, exit_code=1, b=FAILED, a=PASSED)
    one, two = _read(tmp_path)
    assert (one.title, one.outcome, one.seconds) == ("c.one", "passed", 0.5)
    assert (two.title, two.outcome, two.message, two.details) == ("two", "failed", "no", "why")
    assert _read(tmp_path) == [one, two]


def test_no_junit_is_an_error_with_the_end_of_the_log(tmp_path):
    _came(tmp_path, exit_code=3, log=b"first\n" + b"x" * 100_000 + b"\nlast \xff\n")
    (case,) = _read(tmp_path)
    assert case.outcome == "error"
    assert "option 'junit'" in case.message and "exit code 3 after 2.5 s" in case.message
    assert case.details == "last \\xff\n"


def test_nothing_at_all_is_an_error(tmp_path):
    (case,) = _read(tmp_path)
    assert case.outcome == "error"
    assert "option 'junit'" in case.message


@pytest.mark.parametrize(
    "text", ["", "<html/>", "<testsuite>", "<!DOCTYPE x><testsuite/>", "\0" * 99]
)
def test_malformed_junit_is_an_error_beside_the_good_cases(tmp_path, text):
    _came(tmp_path, log=b"Traceback\n", bad=text, good=PASSED)
    error, good = _read(tmp_path)
    assert error.outcome == "error"
    assert error.message.startswith("'out/bad.xml': The JUnit XML")
    assert error.details == "Traceback\n"
    assert good.title == "c.one"


def test_huge_junit_is_an_error(tmp_path):
    _came(tmp_path, huge=PASSED + " " * junit.DATA_BYTES)
    (case,) = _read(tmp_path)
    assert "holds more than" in case.message


def test_many_files_are_capped(tmp_path):
    many = "<testcase name='x'/>" * 60_000
    files = {name: f"<testsuite>{many}</testsuite>" for name in "abc"}
    _came(tmp_path, **files)
    found = _read(tmp_path)
    assert len(found) == cases.CASES
    assert "at most" in found[-1].message


def test_a_command_that_failed_without_a_failing_case_is_an_error(tmp_path):
    _came(tmp_path, exit_code=139, ended="signal", a=PASSED)
    _, error = _read(tmp_path)
    assert error.outcome == "error"
    assert error.message == "The command ended with exit code 139 after 2.5 s."


@pytest.mark.parametrize("ended", ["time", "silence"])
def test_a_limit_is_left_to_the_run(tmp_path, ended):
    _came(tmp_path, exit_code=137, ended=ended, a=PASSED)
    assert [case.outcome for case in _read(tmp_path)] == ["passed"]


def test_junit_without_cases_stays_empty(tmp_path):
    _came(tmp_path, exit_code=5, a="<testsuites/>")
    assert _read(tmp_path) == []


def test_cases_that_the_command_wrote_itself_do_not_count(tmp_path):
    _came(tmp_path, a=FAILED)
    (tmp_path / "cases.jsonl").mkdir()
    (tmp_path / "cases.jsonl" / "x").touch()
    assert [case.title for case in _read(tmp_path)] == ["two"]
