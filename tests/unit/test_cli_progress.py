# SPDX-License-Identifier: Apache-2.0
"""Progress as a log and on a terminal."""

import io
import re

from osci_jobs.cli.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def show(stream) -> str:
    with Progress(stream) as progress:
        progress({"event": "phase_started", "phase": "deploy"})
        progress({"event": "step", "text": "Place \x1b[31mkeystone", "host": "host1"})
        progress({"event": "trouble", "verdict": "deploy", "message": "It\nfailed."})
        progress({"event": "phase_ended", "outcome": "deploy", "duration": 1.25})
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
