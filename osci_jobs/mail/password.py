# SPDX-License-Identifier: Apache-2.0
"""The password of the account on the mail server, from a file or a program."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from osci_jobs import deadline, signals
from osci_jobs.deployment import content
from osci_jobs.deployment.faults import printable
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail.settings import Settings

_LIMIT_BYTES = 4096
_OF_OTHERS = 0o077


def read(settings: Settings) -> str:
    """Return the password, "" where there is no account.

    It is the first line of the file, or of what the helper prints on its standard output.
    Raises ConfigurationError, without a word of what was read.
    """
    if settings.password_file:
        path = Path(settings.password_file)
        return _first_line(content.read(path), f"The file '{_shown(path)}'")
    if settings.password_helper:
        helper = f"The password helper '{printable(settings.password_helper[0])}'"
        return _first_line(_printed(settings.password_helper, settings.seconds, helper), helper)
    return ""


def warning(settings: Settings) -> str:
    """Return one sentence when others may read the password's file, else an empty text."""
    path = Path(settings.password_file)
    try:
        if settings.password_file and path.stat().st_mode & _OF_OTHERS:
            return f"'{_shown(path)}' holds a password, and others may read it: chmod 600."
    except OSError:
        pass  # whoever reads it says so
    return ""


def _shown(path: Path) -> str:
    return printable(str(path))


def _first_line(data: bytes, source: str) -> str:
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    # smtplib sends ASCII alone.
    if (
        not line
        or len(line) > _LIMIT_BYTES
        or not line.isascii()
        or not line.decode().isprintable()
    ):
        raise ConfigurationError(
            f"{source} has no password: expected a first line of 1 to {_LIMIT_BYTES} printable "
            "characters of ASCII."
        )
    return line.decode()


def _printed(command: tuple[str, ...], seconds: float, helper: str) -> bytes:
    """Return what a program prints; it and what it started in its session end with this."""
    try:
        with signals.blocked():
            program = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
            )
    except OSError as error:
        raise ConfigurationError(f"{helper} cannot be started: {error.strerror}.") from error
    try:
        data, code = deadline.within(seconds, lambda: _end(program))
    except TimeoutError as error:
        raise ConfigurationError(f"{helper} did not end within {seconds:g} s.") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    if code:
        raise ConfigurationError(f"{helper} ended with the exit code {code}.")
    return data


def _end(program: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    """Return what the program prints, up to a limit, and how it ends."""
    assert program.stdout
    with program.stdout:
        data = program.stdout.read(_LIMIT_BYTES + 2)
    return data, program.wait()
