# SPDX-License-Identifier: Apache-2.0
"""Tests that a program runs within limits and that nothing it started outlives it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osci_jobs import process
from osci_jobs.errors import LimitError

PATH = {"PATH": "/usr/bin:/bin"}
# Becomes a daemon that ignores TERM; its process id goes into the file $1.
DAEMON = (
    'setsid sh -c \'(trap "" TERM HUP; exec sleep 998) & echo $! > "$1.part"\' sh "$1"; '
    'mv "$1.part" "$1"; '
)


def run(script: str, *words: str, environment=PATH, silence_seconds: float = 10):
    """Run a shell script; return its exit code and its lines."""
    lines: list[str] = []
    code = process.run(
        ["sh", "-c", script, "sh", *words],
        name="script",
        silence_seconds=silence_seconds,
        environment=environment,
        on_line=lines.append,
    )
    return code, lines


def is_alive(pid_file: Path) -> bool:
    try:
        stat = Path("/proc", pid_file.read_text().strip(), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds: float):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)


def test_lines_of_both_streams_arrive_in_order():
    code, lines = run("echo one; echo two >&2; echo; echo three")
    assert (code, lines) == (0, ["one", "two", "", "three"])


def test_a_line_arrives_when_it_is_said():
    at = {}
    process.run(
        ["sh", "-c", "echo first; sleep 0.5; echo second"],
        name="script",
        silence_seconds=10,
        environment=PATH,
        on_line=lambda line: at.setdefault(line, time.monotonic()),
    )
    assert at["second"] - at["first"] > 0.4


def test_what_has_no_final_newline_is_a_line():
    assert run("printf 'one\\ntwo'") == (0, ["one", "two"])


def test_a_program_that_says_nothing_has_no_lines():
    assert run("true") == (0, [])


def test_long_lines_arrive_whole():
    _, lines = run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert [len(line) for line in lines] == [3_000_000, 3]


def test_a_line_without_end_comes_in_pieces():
    _, lines = run("head -c 20000000 /dev/zero | tr '\\0' x")
    assert len("".join(lines)) == 20_000_000
    assert max(map(len, lines)) < process.LINE_BYTES + 100_000


def test_bad_utf_8_is_replaced():
    assert run(r"printf '\303\244 \377 \303\n'") == (0, ["ä � �"])


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_exit_code_is_the_programs_or_128_and_its_signal(script, code):
    assert run(script)[0] == code


def test_a_program_that_is_not_there_is_127_and_named():
    lines: list[str] = []
    code = process.run(
        ["no-such-program", "word"],
        name="nothing",
        silence_seconds=10,
        environment=PATH,
        on_line=lines.append,
    )
    assert (code, lines) == (127, ["no-such-program: No such file or directory"])


def test_the_environment_is_what_was_given_and_nothing_else():
    given = {**PATH, "WORD": "a b"}
    lines: list[str] = []
    process.run(["env"], name="env", silence_seconds=10, environment=given, on_line=lines.append)
    assert sorted(lines) == ["PATH=/usr/bin:/bin", "WORD=a b"]


def test_standard_input_is_empty():
    assert run("cat; echo end") == (0, ["end"])


def test_silence_is_an_error_at_its_limit():
    started = time.monotonic()
    with pytest.raises(LimitError) as caught:
        run("echo start; sleep 99", silence_seconds=0.5)
    assert str(caught.value) == "'script' said nothing for 0.5 s."
    assert 0.5 <= time.monotonic() - started < 30


def test_a_program_that_keeps_talking_is_not_silent():
    code, lines = run("for i in 1 2 3 4; do sleep 0.2; printf .; done", silence_seconds=0.6)
    assert (code, lines) == (0, ["...."])


def test_a_daemon_is_gone_when_run_returns(tmp_path):
    pid_file = tmp_path / "pid"
    code, lines = run(DAEMON + 'test -d "/proc/$(cat "$1")" && echo up', str(pid_file))
    assert (code, lines) == (0, ["up"])
    assert not is_alive(pid_file)


def test_a_daemon_is_gone_after_a_silence(tmp_path):
    pid_file = tmp_path / "pid"
    with pytest.raises(LimitError):
        run(DAEMON + "sleep 99", str(pid_file), silence_seconds=0.5)
    assert pid_file.exists()
    assert not is_alive(pid_file)


def test_a_program_that_ignores_term_is_gone_after_a_silence(tmp_path):
    pid_file = tmp_path / "pid"
    with pytest.raises(LimitError):
        run("trap '' TERM HUP INT; echo $$ > \"$1\"; sleep 99", str(pid_file), silence_seconds=0.5)
    assert not is_alive(pid_file)


def test_a_daemon_is_gone_when_the_reader_of_lines_raises(tmp_path):
    pid_file = tmp_path / "pid"

    def refuse(line: str):
        raise ValueError(line)

    with pytest.raises(ValueError, match="^up$"):
        process.run(
            ["sh", "-c", DAEMON + "echo up; sleep 99", "sh", str(pid_file)],
            name="script",
            silence_seconds=10,
            environment=PATH,
            on_line=refuse,
        )
    assert not is_alive(pid_file)


def test_a_daemon_is_gone_when_an_alarm_raises(tmp_path):
    pid_file = tmp_path / "pid"

    def ring(*_):
        raise TimeoutError("ring")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(TimeoutError, match="^ring$"):
            run(DAEMON + "sleep 99", str(pid_file))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert pid_file.exists()
    assert not is_alive(pid_file)


def test_a_daemon_is_gone_two_seconds_after_its_caller_was_killed(tmp_path):
    pid_file = tmp_path / "pid"
    program = (
        "import sys\n"
        "from osci_jobs import process\n"
        f"process.run(['sh', '-c', sys.argv[1], 'sh', sys.argv[2]], name='script',\n"
        f"            silence_seconds=99, environment={PATH!r}, on_line=print)\n"
    )
    command = [sys.executable, "-c", program, DAEMON + "sleep 99", str(pid_file)]
    with subprocess.Popen(command) as caller:
        wait_until(pid_file.exists, 10)
        assert is_alive(pid_file)
        caller.kill()
    wait_until(lambda: not is_alive(pid_file), 2)
