# SPDX-License-Identifier: Apache-2.0
"""A phase of a run: written to the run log, ended at its limit of time."""

import contextlib
import errno
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from osci_jobs.errors import InfrastructureError, InterruptionError, LimitError, OsciError
from osci_jobs.results.runlog import RunLog

# An exception raised while Python is in a destructor is lost, so the alarm repeats.
_REPEAT_SECONDS = 0.1
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def phase(log: RunLog, name: str, seconds: float | None) -> Iterator[list[str]]:
    """Run the body as one phase of at most `seconds`; None where its parts have limits.

    Yields a list of one, the phase's outcome, which the body may change. An
    OsciError becomes the run's trouble and goes on.
    """
    outcome = ["success"]
    started = time.monotonic()
    try:
        log.append("phase_started", phase=name)
        with contextlib.nullcontext() if seconds is None else _limited(name, seconds):
            yield outcome
    except OsciError as error:
        outcome[0] = error.verdict
        record_trouble(log, error)
        raise
    except OSError as error:
        outcome[0] = InfrastructureError.verdict
        trouble = _as_trouble(error)
        record_trouble(log, trouble)
        raise trouble from error
    except Exception as error:
        outcome[0] = InfrastructureError.verdict
        record_trouble(log, OsciError(f"osci itself failed: {error!r}"))
        raise
    finally:
        log.append("phase_ended", outcome=outcome[0], duration=time.monotonic() - started)


def record_trouble(log: RunLog, error: OsciError) -> None:
    """Write the error to the run log, once; the first one gives the verdict."""
    if log.path in error.recorded_in:
        return
    error.recorded_in.add(log.path)
    cause = {"host": error.host, "unit": error.unit, "line": error.line, "file": error.file}
    fields: dict[str, Any] = {}
    if isinstance(error, InterruptionError):
        fields["signal_number"] = error.signal_number
    log.append("trouble", verdict=error.verdict, message=str(error), cause=cause, **fields)


def _as_trouble(error: OSError) -> InfrastructureError:
    if error.errno in _NO_SPACE:
        return InfrastructureError(f"No space is left on the disk of '{error.filename}'.")
    return InfrastructureError(f"This machine refused: {error}.")


@contextlib.contextmanager
def _limited(name: str, seconds: float) -> Iterator[None]:
    error = LimitError(f"'{name}' went past its limit of {seconds:g} s.")

    def end(_number: int, _frame: object) -> None:
        if not _travels(error):
            raise error

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _REPEAT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _travels(error: BaseException) -> bool:
    """Tell whether the error is on its way already, through a block that cleans up."""
    handled = sys.exc_info()[1]
    while handled is not None and handled is not error:
        handled = handled.__context__
    return handled is error
