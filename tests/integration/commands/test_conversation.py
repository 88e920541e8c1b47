# SPDX-License-Identifier: Apache-2.0
"""Programs that are asked line by line, and what becomes of them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osci_jobs import process
from osci_jobs.process import Conversation, EndedError, SilenceError

PATH = {"PATH": "/usr/bin:/bin"}
ECHO = ["sh", "-c", 'while read -r line; do echo "$line, yes"; done; exit 3']


def talk(script: str | list[str]) -> Conversation:
    command = ["sh", "-c", script] if isinstance(script, str) else script
    return Conversation(command, name="the program", environment=PATH)


def is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that has ended may wait for its parent to hear of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_each_line_is_answered_with_one():
    with talk(ECHO) as program:
        assert program.ask("one", 10) == "one, yes"
        assert program.ask("two " + "x" * 100_000, 10) == "two " + "x" * 100_000 + ", yes"
        assert program.end(10) == 3


def test_answers_that_come_at_once_are_kept_apart():
    with talk("echo ready; read -r line; echo first; echo second") as program:
        assert program.answer(10) == "ready"
        assert program.ask("go", 10) == "first"
        assert program.answer(10) == "second"


def test_what_it_said_last_is_told_when_it_has_ended():
    with talk("printf 'no such file' >&2") as program, pytest.raises(EndedError) as caught:
        program.answer(10)
    assert str(caught.value) == "'the program' has ended. no such file"


def test_nobody_is_asked_who_is_gone():
    with talk("exit 0") as program:
        with pytest.raises(EndedError):
            program.answer(10)
        with pytest.raises(EndedError):
            for _ in range(100):
                program.ask("x" * 100_000, 10)


def test_silence_is_an_error():
    with talk("sleep 60") as program, pytest.raises(SilenceError, match="said nothing for 0.2 s"):
        program.ask("hello", 0.2)


def test_a_program_that_does_not_end_is_left():
    with talk("while :; do sleep 1; done") as program, pytest.raises(SilenceError):
        program.end(0.3)


def test_nothing_that_it_started_is_left():
    with talk("setsid sleep 60 & echo $!; read -r line") as program:
        pid = int(program.answer(10))
        assert is_alive(pid)
    assert not is_alive(pid)


def test_nothing_is_left_when_we_are_killed():
    text = (
        "from osci_jobs.process import Conversation\n"
        "import sys, time\n"
        "with Conversation(['sh', '-c', 'echo $$; read -r line; sleep 60'], name='x', "
        f"environment={PATH!r}) as program:\n"
        "    print(program.answer(10), flush=True)\n"
        "    time.sleep(60)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    pid = int(ours.stdout.readline())
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    ours.stdout.close()
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(pid)


def test_the_program_gets_the_environment_that_was_given():
    assert process.outside_of_builds({"BUILD_ID": "1", "A": "b"}) == {"A": "b"}
    with talk("env | sort | tr '\\n' ' '; echo") as program:
        assert "OSCI" not in program.answer(10)
