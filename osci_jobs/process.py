# SPDX-License-Identifier: Apache-2.0
"""Run a program within limits, so that nothing it started outlives it."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from osci_jobs.errors import LimitError

# How long the supervisor may take to end what it started before it is ended itself.
GRACE_SECONDS = 1.5

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


def run(
    command: list[str],
    *,
    name: str,
    seconds: float,
    silence_seconds: float,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> int:
    """Run `command`, hand each line that it prints to `on_line`, return its exit code.

    Standard output and error are one stream. Raises LimitError when the
    program takes longer than `seconds`, or prints nothing for
    `silence_seconds`; `name` is what the message calls it. However this
    returns or raises, the program and all its descendants are gone.
    """
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISOR), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        _read(supervisor.stdout.fileno(), name, seconds, silence_seconds, on_line)
    finally:
        supervisor.stdin.close()
        _end(supervisor)
        supervisor.stdout.close()
    return supervisor.returncode


def _read(stream: int, name: str, seconds: float, silence_seconds: float, on_line):
    end = time.monotonic() + seconds
    pending = b""
    silent_until = time.monotonic() + silence_seconds
    while True:
        now = time.monotonic()
        if now >= end:
            raise LimitError(f"'{name}' went past its limit of {seconds:g} s.")
        if now >= silent_until:
            raise LimitError(f"'{name}' said nothing for {silence_seconds:g} s.")
        if not select.select([stream], [], [], min(end, silent_until) - now)[0]:
            continue
        data = os.read(stream, 65536)
        silent_until = time.monotonic() + silence_seconds
        *whole, pending = (pending + data).split(b"\n")
        for line in whole:
            on_line(line.decode("utf-8", "replace"))
        if not data:
            if pending:
                on_line(pending.decode("utf-8", "replace"))
            return


def _end(supervisor: subprocess.Popen):
    try:
        supervisor.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
