# SPDX-License-Identifier: Apache-2.0
"""Run a program and, when it ends or the pipe on standard input closes, end all it started.

    supervisor.py INPUT COMMAND...

INPUT is the number of the file that the program gets as standard input, or - for none.

Started by `process.run` as a script of its own (standard library only, so that
it starts quickly). It is a child subreaper: whatever daemonises or changes its
session below it becomes its child and is found here. See prctl(2),
PR_SET_CHILD_SUBREAPER. The pipe closes when the caller stops us or dies.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LIFELINE = 0


def main(given: str, command: list[str]) -> int:
    """Return the program's exit code, 128 + the signal that ended it."""
    # The caller holds signals back while it starts us.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if given == "-" else int(given),
            env=_environment(),
            start_new_session=True,
        )
        if given != "-":
            os.close(int(given))
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    _wait(child.pid)
    code = child.poll()
    _end_descendants()
    if code is None:
        code = child.wait()
    return 128 - code if code < 0 else code


def _environment() -> dict[bytes, bytes]:
    """Return the environment as it was given: Python adds LC_CTYPE to a poor one (PEP 538)."""
    given = Path("/proc/self/environ").read_bytes().split(b"\0")
    return {name: value for name, _, value in (entry.partition(b"=") for entry in given) if name}


def _wait(pid: int) -> None:
    waiting = select.poll()
    waiting.register(os.pidfd_open(pid), select.POLLIN)
    waiting.register(LIFELINE, select.POLLIN | select.POLLHUP)
    waiting.poll()


def _end_descendants() -> None:
    while pids := _descendants(os.getpid()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _descendants(pid: int) -> list[int]:
    """Return all living descendants of a process, zombies left out."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [*_descendants(child), *([] if _is_zombie(child) else [child])]
    return found


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
