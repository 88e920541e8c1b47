# SPDX-License-Identifier: Apache-2.0
"""Tests of reading the cases that a stranger left."""

import json
import os

import pytest

from osci_jobs.results import cases
from osci_jobs.results.cases import Case, Counts, MalformedCasesError, count, read

GOOD = {"name": "test_one", "outcome": "passed"}


def _write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_cases_are_read_in_order(tmp_path):
    whole = {
        "name": "test_two",
        "classname": "api.Servers",
        "outcome": "failed",
        "seconds": 1.25,
        "message": "409",
        "details": "one\ntwo",
        "worker": 3,
    }
    path = _write(tmp_path / "cases.jsonl", json.dumps(GOOD), "", json.dumps(whole))
    assert read(path) == [
        Case("test_one"),
        Case("test_two", "api.Servers", "failed", 1.25, "409", "one\ntwo"),
    ]


@pytest.mark.parametrize("tail", ['{"name": "to', '"', "[1]", "\0\0\0"])
def test_a_torn_last_line_is_left_out(tmp_path, tail):
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + tail)
    assert read(path) == [Case("test_one")]


def test_a_last_line_without_its_newline_counts(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(GOOD))
    assert read(path) == [Case("test_one")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rubbish", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"outcome": "passed"}', "'name' is missing"),
        ('{"name": 3, "outcome": "passed"}', "'name' is not a string"),
        ('{"name": "x", "outcome": "fine"}', "'outcome' is none of passed"),
        ('{"name": "x", "outcome": ["passed"]}', "'outcome' is not a string"),
        ('{"name": "x", "outcome": "passed", "seconds": "1"}', "'seconds' is not a number"),
        ('{"name": "x", "outcome": "passed", "seconds": true}', "'seconds' is not a number"),
        ('{"name": "x", "outcome": "passed", "seconds": NaN}', "'seconds' is not a number"),
        ('{"name": "x", "outcome": "passed", "seconds": 1e999}', "'seconds' is not a number"),
        ('{"name": "x", "outcome": "passed", "seconds": -1}', "'seconds' is not a number"),
        (f'{{"name": "x", "outcome": "passed", "seconds": {"9" * 4000}}}', "'seconds'"),
        (f'{{"name": "x", "outcome": "passed", "seconds": {"9" * 5000}}}', "not a JSON object"),
        ('{"name": "x", "outcome": "passed", "message": null}', "'message' is not a string"),
    ],
)
def test_a_malformed_line_becomes_a_case_in_error(tmp_path, line, fault):
    found = read(_write(tmp_path / "cases.jsonl", json.dumps(GOOD), line))
    assert [case.outcome for case in found] == ["passed", "error"]
    assert found[1].message.startswith("Line 2 is not a case: ")
    assert fault in found[1].message


def test_a_malformed_line_keeps_its_name(tmp_path):
    line = json.dumps({"name": "test_x", "outcome": "exploded"})
    assert read(_write(tmp_path / "cases.jsonl", json.dumps(GOOD), line))[1].name == "test_x"


def test_bytes_that_are_no_utf8_become_visible(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b'{"name": "a\xffb", "outcome": "passed"}\n')
    assert read(path)[0].name == r"a\udcffb"


def test_text_becomes_visible(tmp_path):
    line = json.dumps({**GOOD, "name": "a\nb\x1b\ud800", "details": "x\n\x00"})
    found = read(_write(tmp_path / "cases.jsonl", line))[0]
    assert (found.name, found.details) == (r"a\nb\x1b\ud800", "x\n\\x00")


def test_text_is_capped(tmp_path):
    line = json.dumps(
        {**GOOD, "name": "n" * 2000, "message": "m" * 5000, "details": "h" * 50_000 + "t" * 50_000}
    )
    found = read(_write(tmp_path / "cases.jsonl", line))[0]
    assert len(found.name) == cases.NAME_CHARACTERS
    assert len(found.message) == cases.MESSAGE_CHARACTERS
    head, middle, tail = found.details.splitlines()
    assert len(head) + len(tail) == cases.DETAILS_CHARACTERS
    assert (head[-1], middle, tail[0]) == ("h", "[… 34464 characters left out …]", "t")


def test_too_many_cases_are_cut_with_a_case_that_says_so(tmp_path):
    found = read(_write(tmp_path / "cases.jsonl", *[json.dumps(GOOD)] * (cases.CASES + 5)))
    assert len(found) == cases.CASES
    assert found[-1].outcome == "error"
    assert "100005 cases" in found[-1].message


def test_too_many_bytes_are_cut_with_a_case_that_says_so(tmp_path):
    path = tmp_path / "cases.jsonl"
    line = json.dumps({**GOOD, "details": "x" * 1_000_000}) + "\n"
    path.write_text(line * 80)
    found = read(path)
    assert len(found) == cases.FILE_BYTES // len(line) + 1
    assert found[-1].outcome == "error"


@pytest.mark.parametrize("content", ["rubbish\n", "<html>\n</html>\n", '{"name": 1}\n'])
def test_a_file_without_one_case_is_refused(tmp_path, content):
    path = tmp_path / "cases.jsonl"
    path.write_text(content)
    with pytest.raises(MalformedCasesError, match="Not one line"):
        read(path)


def test_an_empty_file_has_no_cases(tmp_path):
    assert read(_write(tmp_path / "cases.jsonl")) == []


def test_what_is_not_a_regular_file_is_refused(tmp_path):
    _write(tmp_path / "secret", json.dumps(GOOD))
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "directory", "pipe", "missing"):
        with pytest.raises(MalformedCasesError, match="cannot be read"):
            read(tmp_path / name)


def test_cases_are_counted_by_outcome():
    found = [
        Case("a", seconds=0.1),
        Case("b", outcome="failed", seconds=0.2),
        Case("c", outcome="error"),
        Case("d", outcome="skipped"),
    ]
    assert count(found) == Counts(4, 1, 1, 1, 1, 0.3)
    assert count(found).ran == count(found).cases - 1
