# SPDX-License-Identifier: Apache-2.0
"""A run that its build cannot end by force: the work is done outside of the build's processes.

Hudson and Jenkins end a build's processes at an abort and once more at its
end: the descendants of its shell, and whatever carries its cookie in the
environment (https://www.jenkins.io/doc/book/using/spawning-processes/). Hosts
would stay behind. So with `--ci` a worker does the work, which is neither. The
front, which the build knows, passes on the first signal that it gets and the
worker's exit code; when the front is gone, however it died, the worker stops as
if by TERM: what it made goes, and its result is written.
"""

import contextlib
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TextIO

from osci_jobs import process, signals

_PIPES = "OSCI_PIPES"  # the worker's: what to read signals from, where to write the exit code
_EXIT_CODE_OF_A_KILL = 3  # that of the verdict infrastructure


class _Deaf:
    """A stream that does not mind when its reader has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._stream.fileno()


def is_wanted(asked: Namespace, environment: Mapping[str, str]) -> bool:
    """Tell whether the command is a run in a build; its worker carries no cookie."""
    in_build = process.outside_of_builds(environment) != environment
    return getattr(asked, "ci", False) and in_build


def run(words: Sequence[str]) -> int:
    """Have a worker carry out the command line `words`; return its exit code."""
    signal_reader, signal_writer = os.pipe()
    code_reader, code_writer = os.pipe()
    _hand_on_signals(signal_writer)
    _start(words, signal_reader, code_writer)
    os.close(signal_reader)
    os.close(code_writer)
    code = os.read(code_reader, 1)
    return code[0] if code else _EXIT_CODE_OF_A_KILL


@contextlib.contextmanager
def worker(environment: Mapping[str, str]):
    """Be the worker, if this process is one, while the body runs; yields how to tell its end."""
    if _PIPES not in environment:
        yield lambda code: None
        return
    reader, code = map(int, environment[_PIPES].split(","))
    sys.stdout, sys.stderr = _Deaf(sys.stdout), _Deaf(sys.stderr)
    # Signals are for the main thread, which may hold them back.
    with signals.blocked():
        threading.Thread(target=_hear, args=(reader,), daemon=True).start()
    yield lambda number: _tell(code, number)


def _hand_on_signals(writer: int) -> None:
    heard: list[int] = []

    def hand_on(number: int, _frame: object) -> None:
        # The build may well send more of them, and a second one would mean: at once.
        if not heard:
            with contextlib.suppress(BrokenPipeError):
                os.write(writer, bytes([number]))
        heard.append(number)

    signal.signal(signal.SIGINT, hand_on)
    signal.signal(signal.SIGTERM, hand_on)


def _start(words: Sequence[str], reader: int, code: int) -> None:
    """Start the worker in a session of its own, as nobody's child."""
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        return
    try:
        os.setsid()
        if not os.fork():
            _become_worker(words, reader, code)
    finally:
        os._exit(0)


def _become_worker(words: Sequence[str], reader: int, code: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for pipe in (reader, code):
        os.set_inheritable(pipe, True)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    environment = {**process.outside_of_builds(os.environ), _PIPES: f"{reader},{code}"}
    # -P: what lies in the build's workspace is not to be imported.
    os.execve(sys.executable, [sys.executable, "-P", "-m", "osci_jobs", *words], environment)


def _hear(reader: int) -> None:
    """Pass a signal on to this process; without a front it is TERM."""
    said = os.read(reader, 1)
    os.kill(os.getpid(), said[0] if said else signal.SIGTERM)


def _tell(code: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(code, bytes([number]))
