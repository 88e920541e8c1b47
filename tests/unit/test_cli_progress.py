# SPDX-License-Identifier: Apache-2.0
"""Progress as a log and on a terminal."""

import io
import re

import pytest

from osci_jobs.cli.progress import Progress, fit


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def show(stream, **expected) -> str:
    with Progress(stream, expected) as progress:
        progress({"event": "phase_started", "phase": "deploy"})
        progress({"event": "step", "text": "Place \x1b[31mkeystone", "host": "host1"})
        progress({"event": "trouble", "verdict": "deploy", "message": "It\nfailed."})
        progress({"event": "phase_ended", "phase": "deploy", "outcome": "deploy", "duration": 1.25})
    return stream.getvalue()


def test_elsewhere_it_is_a_line_for_each_step():
    lines = [re.sub(r"^ +[0-9.]+ s  ", "", line) for line in show(io.StringIO()).splitlines()]
    assert lines == [
        "deploy …",
        "  Place \\x1b[31mkeystone (host1)",
        "deploy: It\\nfailed.",
        "deploy: deploy in 1.2 s",
    ]


def test_a_terminal_has_one_live_line_between_the_phases():
    written = show(Terminal())
    assert written.count("\n") == 2
    assert "\r\x1b[Kdeploy 0 s  Place \\x1b[31mkeystone (host1)" in written
    assert written.endswith("\r\x1b[K")


def test_elsewhere_the_start_of_a_phase_has_its_estimate():
    lines = show(io.StringIO(), deploy=27.4, create=1).splitlines()
    assert lines[0].endswith(" s  deploy, about 27 s …")


def test_a_terminal_has_the_estimate_beside_the_time():
    written = show(Terminal(), deploy=27.4)
    assert "\r\x1b[Kdeploy 0 s of about 27 s  Place " in written


def test_what_takes_less_than_a_second_has_no_estimate():
    assert show(io.StringIO(), deploy=0.9).splitlines()[0].endswith("  deploy …")


def test_what_is_said_is_a_line():
    stream = io.StringIO()
    with Progress(stream, {}) as progress:
        progress.say("about 45 s, as the last 5 runs")
    assert stream.getvalue().endswith(" s  about 45 s, as the last 5 runs\n")


@pytest.mark.parametrize("columns", ["20", "33", "80"])
def test_the_live_line_never_fills_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    with Progress(stream, {}) as progress:
        progress({"event": "phase_started", "phase": "deploy"})
        progress({"event": "step", "text": "長い" * 50 + "\u202e\n\x9b" + "x" * 100})
    live = [
        line for line in stream.getvalue().split("\r\x1b[K") if line.startswith("deploy 0 s  長")
    ]
    assert live
    for line in live:
        assert len(line.encode("gb18030")) < int(columns)
        assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("abc", 3, "abc"),
        ("abc", 2, "ab"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("", -1, ""),
        ("長い", 4, "長い"),
        ("長い", 3, "長"),
        ("a\U0001f600b", 2, "a"),
        ("e\u0301e", 2, "e"),
    ],
)
def test_what_fits_is_counted_in_columns(text, columns, expected):
    assert fit(text, columns) == expected
