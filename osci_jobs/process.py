# SPDX-License-Identifier: Apache-2.0
"""Run a program within limits, so that nothing it started outlives it."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from osci_jobs import signals
from osci_jobs.errors import InfrastructureError, LimitError

# A command that makes or removes one thing takes milliseconds; longer means that it hangs.
CALL_SECONDS = 30
# A longer line comes in pieces, for a program may print a gigabyte without a newline.
LINE_BYTES = 4 << 20
# How long the supervisor may take to end what it started before it is ended itself.
GRACE_SECONDS = 1.5

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class EndedError(InfrastructureError):
    """The program has ended, though it was to answer."""


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
    supervisor = _supervised("-", command, environment)
    assert supervisor.stdin and supervisor.stdout
    try:
        _read(supervisor.stdout.fileno(), name, silence_seconds, on_line)
    finally:
        supervisor.stdin.close()
        _end(supervisor)
        supervisor.stdout.close()
    return supervisor.returncode


class Conversation:
    """A program that is asked line by line, and answers each with a line.

    Use it as a context manager: neither the program nor anything that it started outlives
    the body, or this process. `name` is what messages call it.
    """

    def __init__(self, command: list[str], *, name: str, environment: Mapping[str, str]):
        self._name = name
        self._pending = b""
        theirs, self._input = os.pipe()
        try:
            self._supervisor = _supervised(str(theirs), command, environment, (theirs,))
        except OSError:
            os.close(self._input)
            raise
        finally:
            os.close(theirs)
        assert self._supervisor.stdout
        self._output = self._supervisor.stdout.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._supervisor.stdin and self._supervisor.stdout
        if self._input >= 0:
            os.close(self._input)
        self._supervisor.stdin.close()
        _end(self._supervisor)
        self._supervisor.stdout.close()

    def ask(self, line: str, seconds: float) -> str:
        """Say a line, and return the next one that comes; raises as `answer` does."""
        try:
            os.write(self._input, line.encode() + b"\n")
        except BrokenPipeError as error:
            raise EndedError(f"'{self._name}' has ended.") from error
        return self.answer(seconds)

    def answer(self, seconds: float) -> str:
        """Return the next line that comes.

        Raises SilenceError when none comes within `seconds`, EndedError when none will.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._pending:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise SilenceError(f"'{self._name}' said nothing for {seconds:g} s.")
            data = os.read(self._output, 65536)
            if not data or len(self._pending) > LINE_BYTES:
                last = self._pending[-1000:].decode("utf-8", "replace").strip()
                raise EndedError(f"'{self._name}' has ended. {last}".strip())
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace")

    def end(self, seconds: float) -> int:
        """Say that there is nothing more to come; return the exit code.

        Raises SilenceError when the program does not end within `seconds`.
        """
        os.close(self._input)
        self._input = -1
        until = time.monotonic() + seconds
        while self._supervisor.poll() is None:
            if time.monotonic() > until:
                raise SilenceError(f"'{self._name}' did not end within {seconds:g} s.")
            if select.select([self._output], [], [], 0.05)[0] and not os.read(self._output, 65536):
                time.sleep(0.05)
        return self._supervisor.returncode


def call(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a short command with `text` as its input; neither signal nor alarm comes between.

    An exception in the middle of a start leaves a program that nobody knows
    of, which makes what was looked for and not found. Raises LimitError when
    the command hangs.
    """
    try:
        with signals.blocked():
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


def _supervised(
    given: str,
    command: list[str],
    environment: Mapping[str, str],
    descriptors: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start the supervisor of a command, whose standard input is the file `given`."""
    with signals.blocked():
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SUPERVISOR), given, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            pass_fds=descriptors,
        )


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
