# SPDX-License-Identifier: Apache-2.0
"""Processes that carry out osci's mail and kill themselves between two of its steps.

One process has everything imported; each act is done by a child that it forks.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from osci_jobs import cli, mail
from osci_jobs.cli import outbox
from osci_jobs.mail import delivery, record, settings, smtp
from osci_jobs.results import files

PACKAGE = Path(__file__).resolve().parents[1] / "osci_jobs"
# The lines of these are the steps.
STEPS = {module.__file__ for module in (mail, mail.outbox, delivery, record, smtp, files, outbox)}
KILLED = -signal.SIGKILL


class Killer:
    """The process that forks; use it as a context manager."""

    def __init__(self, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment, "PYTHONPATH": str(PACKAGE.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate()

    def run(self, act: str, *words: str, kill_at: int = 0) -> tuple[int, int]:
        """Have a child do `post DIRECTORY RESULT ADDRESS` or `main WORD…`.

        Returns its exit code and its steps; before step `kill_at` it kills itself.
        """
        self._process.stdin.write(json.dumps([act, words, kill_at]) + "\n")
        self._process.stdin.flush()
        return tuple(json.loads(self._process.stdout.readline()))


def post(directory: str, result: str, address: str):
    """Put a mail into the outbox, with settings that the environment has."""
    found = settings.find(None, os.environ, Path("/nowhere"))
    letter = mail.Letter(result, f"On {result}", "text\n", "<p>html</p>\n")
    mail.post(Path(directory), found, letter, [address], datetime.now(UTC))


def main(*words: str):
    """Do as the command line does."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    sys.exit(cli.main(words))


def _serve():
    for line in sys.stdin:
        print(json.dumps(_forked(*json.loads(line))), flush=True)


def _forked(act: str, words: list[str], kill_at: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _do(act, words, kill_at, writing)
    os.close(writing)
    with open(reading) as file:
        steps = int(file.read() or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def _do(act: str, words: list[str], kill_at: int, writing: int):
    """Do an act and end; tell how many steps it had."""
    code, steps = 1, 0

    def trace(frame, event, _):
        nonlocal steps
        if frame.f_code.co_filename not in STEPS:
            return None
        if event == "line":
            steps += 1
            if steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    try:
        sys.settrace(trace)
        {"post": post, "main": main}[act](*words)
        code = 0
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.settrace(None)
        os.write(writing, str(steps).encode())
        os._exit(code)


if __name__ == "__main__":
    _serve()
