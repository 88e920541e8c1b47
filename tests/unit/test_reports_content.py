# SPDX-License-Identifier: Apache-2.0
"""Tests of what reports show; whole reports are in test_results_golden.py."""

from pathlib import Path

import pytest

from osci_jobs.reports import amounts, content, html, text
from osci_jobs.results.cases import Case
from osci_jobs.results.record import fold
from osci_jobs.results.samples import Samples

AT = "2026-11-23T09:35:44.000Z"


def _gather(cases, suites=("api",)):
    start = {"event": "run_started", "run": "r", "command": "functional", "suites": suites}
    start |= {"arguments": ["basic", "--branch", "nova=a b"], "group": "g", "keep": "never"}
    start |= {"deployment": {"name": "basic", "digest": "", "resolved": {}}}
    log = [
        {**start, "at": AT, "seconds": 0.0, "phase": ""},
        {"event": "phase_started", "at": AT, "seconds": 0.0, "phase": "api"},
        {"event": "suite_ended", "suite": "api", "outcome": "success", "phase": "api"},
        {"event": "run_ended", "at": AT, "seconds": 5.0, "phase": ""},
    ]
    record = fold(log, {"api": cases})
    return content.gather(record, {"api": cases}, Samples((), 0), (), Path("/results/r"))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.000 s"),
        (0.0424, "0.042 s"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7384, "2 h 3 min"),
    ],
)
def test_a_duration_is_written_for_a_person(seconds, expected):
    assert amounts.duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (200 << 20, "200 MiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_a_size_is_written_for_a_person(count, expected):
    assert amounts.size(count) == expected


def test_the_command_line_can_be_pasted_into_a_shell():
    assert _gather([]).command_line == "osci functional basic --branch 'nova=a b'"


def test_cases_past_the_limit_are_counted():
    found = _gather([Case(f"case {n}", outcome="failed") for n in range(content.SHOWN + 7)])
    shown = found.suites[0].failing
    assert (len(shown.cases), shown.left) == (content.SHOWN, 7)
    assert "… and 7 more that fail" in text.render(found)
    assert "… and 7 more that fail" in html.render(found, {}, ())


def test_a_long_message_is_cut_in_the_text():
    message = "\n".join(f"line {number}" for number in range(text.MESSAGE_LINES + 3))
    rendered = text.render(_gather([Case("x", outcome="failed", message=message)]))
    assert "… and 3 lines more" in rendered


def test_a_message_cannot_forge_a_line_of_the_report():
    rendered = text.render(_gather([Case("x", outcome="skipped", message="a\nSUCCESS")]))
    assert "SUCCESS" not in [line.strip() for line in rendered.splitlines()]


def test_a_suite_that_failed_stands_before_those_that_passed():
    found = _gather([Case("x", outcome="failed")], suites=("whole", "api"))
    assert [suite.name for suite in found.suites] == ["api", "whole"]


def test_the_cases_are_counted_in_one_phrase():
    cases = [Case("a"), Case("b", outcome="failed"), Case("c")]
    assert _gather(cases).tally == "3 cases: 1 failed, 2 passed"
    assert _gather([], suites=()).tally == ""
