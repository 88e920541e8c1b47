# SPDX-License-Identifier: Apache-2.0
"""Run the command of a suite within its limits and pack what it left.

    run_suite.py DIRECTORY [--led]

DIRECTORY holds suite.json (see docs/suites.md) and is the command's working
directory. Written there: output.log, outcome.json, output.tar. Exits 0 once
output.tar is there, whatever became of the command. With --led the command has our
standard input, and its last word is the number of a file that is our standard output.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PIECE_BYTES = 1024 * 1024
NOT_STARTED = 127
ALWAYS = ("outcome.json", "output.log", "cases.jsonl", "samples.csv")


class StoppedError(Exception):
    """TERM or INT came."""


class Log:
    """A file that keeps head and tail of what is written, half of `limit` bytes each."""

    def __init__(self, path, limit):
        self._file = open(path, "wb", buffering=0)
        self._half = limit // 2
        self._written = 0
        self._left_out = 0
        self._tail = bytearray()

    def write(self, data):
        """Keep `data`, the head in the file at once, the tail in memory."""
        head = data[: self._half - self._written]
        self._file.write(head)
        self._written += len(head)
        self._tail += data[len(head) :]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def close(self):
        """Write the tail, after a line that counts what was left out."""
        self._trim()
        if self._left_out:
            self._file.write(b"\n[... %d bytes left out ...]\n" % self._left_out)
        self._file.write(self._tail)
        self._file.close()

    def _trim(self):
        excess = max(len(self._tail) - self._half, 0)
        del self._tail[:excess]
        self._left_out += excess


def main(directory, *options):
    """Run the command of the suite in `directory`; pack what it left."""
    os.chdir(directory)
    suite = json.loads(Path("suite.json").read_text("utf-8"))
    suite["is_led"] = "--led" in options
    # What daemonises or changes its session becomes our child and is found, see prctl(2).
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    start = time.monotonic()
    log = Log("output.log", suite["output_bytes"])
    ended, exit_code = _run(suite, log)
    log.close()
    seconds = round(time.monotonic() - start, 3)
    outcome = {"ended": ended, "exit_code": exit_code, "seconds": seconds}
    _remove("outcome.json")
    Path("outcome.json").write_text(json.dumps(outcome) + "\n", "utf-8")
    _pack(suite)


def _stop(_number, _frame):
    raise StoppedError


def _run(suite, log):
    """Return how the command ended, and its exit code; nothing that it started is left."""
    replies = [os.dup(1)] if suite["is_led"] else []
    try:
        child = subprocess.Popen(
            [*suite["command"], *map(str, replies)],
            stdin=None if suite["is_led"] else subprocess.DEVNULL,
            pass_fds=replies,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            # A program that prints into a pipe keeps it back, which looks like silence.
            env={**os.environ, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
        )
    except OSError as error:
        log.write(f"'{suite['command'][0]}' cannot be run: {error.strerror}.\n".encode())
        return "exit", NOT_STARTED
    for descriptor in replies:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, PIECE_BYTES)
    ended = _follow_or_stop(child, log, suite)
    _end(child, log, ended, suite["grace_seconds"])
    code = child.wait()
    if code < 0:
        return ended if ended != "exit" else "signal", 128 - code
    return ended, code


def _follow_or_stop(child, log, suite):
    try:
        return _follow(child, log, suite["seconds"], suite["silence_seconds"])
    except StoppedError:
        return "signal"


def _end(child, log, ended, grace_seconds):
    """End all that is left of the command, by TERM first where it did not end by itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if ended != "exit":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        # It is read on, for what waits to print does not end.
        _follow(child, log, grace_seconds, grace_seconds)
    _kill_descendants()
    os.set_blocking(child.stdout.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while data := os.read(child.stdout.fileno(), PIECE_BYTES):
            log.write(data)


def _follow(child, log, seconds, silence_seconds):
    """Log what the command prints until it ends or is at a limit; return which it was."""
    end = time.monotonic() + seconds
    silent_until = time.monotonic() + silence_seconds
    process = os.pidfd_open(child.pid)
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    waiting.register(child.stdout, select.POLLIN)
    try:
        while True:
            now = time.monotonic()
            if now >= end:
                return "time"
            if now >= silent_until:
                return "silence"
            milliseconds = min((min(end, silent_until) - now) * 1000 + 1, 2**30)
            ready = [descriptor for descriptor, _ in waiting.poll(milliseconds)]
            if process in ready:
                return "exit"
            if not ready:
                continue
            if data := os.read(child.stdout.fileno(), PIECE_BYTES):
                log.write(data)
                silent_until = time.monotonic() + silence_seconds
            else:  # it closed its output and goes on
                waiting.unregister(child.stdout)
    finally:
        os.close(process)


def _kill_descendants():
    while pids := _descendants(os.getpid()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _descendants(pid):
    """Return all living descendants of a process, zombies left out."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [*_descendants(child), *([] if _is_zombie(child) else [child])]
    return found


def _is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _remove(name):
    """Remove what the command may have left under one of our names."""
    if os.path.isdir(name) and not os.path.islink(name):
        shutil.rmtree(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name)


def _pack(suite):
    """Write output.tar; what would make it too big or is no regular file stays out."""
    _remove("output.tar")
    left = suite["archive_bytes"] - tarfile.RECORDSIZE
    members = suite["archive_members"]
    # With dereference, a second name of a file is a file, not a hard link.
    with tarfile.open("output.tar", "w", format=tarfile.GNU_FORMAT, dereference=True) as tar:
        for name, path in _iter_output(suite["collect"]):
            with contextlib.suppress(OSError), open(path, "rb", opener=_open_regular) as file:
                member = tar.gettarinfo(arcname=name, fileobj=file)
                needed = _size_in_archive(member)
                if needed <= left and members:
                    left -= needed
                    members -= 1
                    _add(tar, member, file)


def _open_regular(path, flags):
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(f"'{path}' is no regular file")


def _size_in_archive(member):
    headers = len(member.tobuf(tarfile.GNU_FORMAT))
    return headers + member.size + tarfile.BLOCKSIZE


def _add(tar, member, file):
    try:
        tar.addfile(member, file)
    except OSError as error:
        raise RuntimeError(f"output.tar could not be written: {error}") from error


def _iter_output(patterns):
    """Yield the name in the archive and the path of each thing to bring back, once."""
    for name in ALWAYS:
        yield name, Path(name)
    collected = set()
    for pattern in patterns:
        with contextlib.suppress(OSError):  # too long a name
            collected.update(Path().glob(pattern))
    for path in sorted(collected):
        yield f"collected/{path}", path
    for path in sorted(Path("attachments").rglob("*")):
        yield str(path), path


if __name__ == "__main__":
    main(*sys.argv[1:])
