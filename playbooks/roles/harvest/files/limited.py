# SPDX-License-Identifier: Apache-2.0
"""Run commands within limits of time and of bytes, for a host may be half dead."""

import contextlib
import os
import select
import signal
import subprocess
import time

COMMAND_SECONDS = 12
ERROR_CHARACTERS = 500
_PIECE_BYTES = 1 << 16


class FailedError(Exception):
    """A command did not start, did not end in time, or ended with an error."""


class Ends:
    """The first and the last lines of a stream, and how much was between them."""

    def __init__(self, limit):
        self._limit = limit
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._bytes = 0
        self._lines = 0

    def add(self, data):
        """Take in the next bytes."""
        self._bytes += len(data)
        self._lines += data.count(b"\n")
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def text(self):
        """Return what was kept, with a line in the middle that counts what was not."""
        if self._bytes <= self._limit:
            return bytes(self._head + self._tail)
        head = self._head[: self._head.rfind(b"\n") + 1]
        tail = self._tail[-self._half :]
        tail = tail[tail.find(b"\n") + 1 :]
        lines = self._lines - head.count(b"\n") - tail.count(b"\n")
        count = self._bytes - len(head) - len(tail)
        return bytes(head + f"[{lines} lines, {count} bytes are left out here]\n".encode() + tail)


class Commands:
    """The commands of one harvest, all of which together end before `seconds` are over."""

    def __init__(self, seconds):
        self._until = time.monotonic() + seconds

    def write(self, path, commands, limit):
        """Write what the commands say into the file, and why one of them failed."""
        ends = Ends(limit)
        for command in commands:
            try:
                for data in self.stream(command):
                    ends.add(data)
            except FailedError as error:
                ends.add(f"[{error}]\n".encode())
        path.write_bytes(ends.text())

    def output(self, command):
        """Return what the command says; raise FailedError, with some of that, when it fails."""
        said = bytearray()
        try:
            for data in self.stream(command):
                said += data
        except FailedError as error:
            text = said.decode("utf-8", "replace").strip()
            raise FailedError(f"{error}: {text[-ERROR_CHARACTERS:]}") from error
        return said.decode("utf-8", "replace")

    def stream(self, command):
        """Yield what the command says, piece by piece; raise FailedError when it fails."""
        until = min(self._until, time.monotonic() + COMMAND_SECONDS)
        process = _start(command)
        try:
            yield from _read(process, command[0], until)
        finally:
            _end(process)
        if process.returncode:
            raise FailedError(f"'{command[0]}' ended with exit code {process.returncode}")


def _start(command):
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
    except OSError as error:
        raise FailedError(f"'{command[0]}' did not start: {error.strerror}") from error


def _read(process, name, until):
    stream = process.stdout.fileno()
    while select.select([stream], [], [], max(until - time.monotonic(), 0))[0]:
        data = os.read(stream, _PIECE_BYTES)
        if not data:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            return
        yield data
        if time.monotonic() > until:
            break
    raise FailedError(f"'{name}' was stopped, for it took too long")


def _end(process):
    """End the command with all that it started; a process that the kernel holds is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    process.stdout.close()
