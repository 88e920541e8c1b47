# SPDX-License-Identifier: Apache-2.0
"""Run a program within limits, so that nothing it started outlives it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from osci_jobs.errors import LimitError

# A command that makes or removes one thing takes milliseconds; longer means that it hangs.
CALL_SECONDS = 30
# A longer line comes in pieces, for a program may print a gigabyte without a newline.
LINE_BYTES = 4 << 20
# How long the supervisor may take to end what it started before it is ended itself.
GRACE_SECONDS = 1.5

_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class SilenceError(LimitError):
    """The program said nothing for too long, which is not the limit of a whole phase."""


def run(
    command: list[str],
    *,
    name: str,
    silence_seconds: float,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> int:
    """Run `command`, hand each line that it prints to `on_line`, return its exit code.

    Standard output and error are one stream; a line longer than LINE_BYTES comes
    in pieces. Raises SilenceError when the program prints nothing for
    `silence_seconds`; `name` is what the message calls it. However this returns or
    raises, an alarm or Ctrl-C included, the program and all its descendants are gone.
    """
    with signals_blocked():
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SUPERVISOR), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    assert supervisor.stdin and supervisor.stdout
    try:
        _read(supervisor.stdout.fileno(), name, silence_seconds, on_line)
    finally:
        supervisor.stdin.close()
        _end(supervisor)
        supervisor.stdout.close()
    return supervisor.returncode


def call(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a short command with `text` as its input; neither signal nor alarm comes between.

    An exception in the middle of a start leaves a program that nobody knows
    of, which makes what was looked for and not found. Raises LimitError when
    the command hangs.
    """
    try:
        with signals_blocked():
            return subprocess.run(
                command,
                input=text,
                capture_output=True,
                text=True,
                timeout=CALL_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise LimitError(f"'{command[0]}' did not end within {CALL_SECONDS} s.") from error


def outside_of_builds(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the cookies by which Hudson ends the processes of a build."""
    return {name: value for name, value in environment.items() if not _is_cookie(name)}


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Hold INT, TERM and the alarm back until the body is done; they come then.

    What is started in the body inherits that and has to undo it if it stays.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_cookie(name: str) -> bool:
    return name == "BUILD_ID" or name.endswith("_COOKIE")


def _read(stream: int, name: str, silence_seconds: float, on_line: Callable[[str], None]) -> None:
    pending = b""
    while True:
        if not select.select([stream], [], [], silence_seconds)[0]:
            raise SilenceError(f"'{name}' said nothing for {silence_seconds:g} s.")
        data = os.read(stream, 65536)
        *lines, pending = (pending + data).split(b"\n")
        if pending and (not data or len(pending) > LINE_BYTES):
            lines.append(pending)
            pending = b""
        for line in lines:
            on_line(line.decode("utf-8", "replace"))
        if not data:
            return


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    try:
        supervisor.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
