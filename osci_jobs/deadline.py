# SPDX-License-Identifier: Apache-2.0
"""Wait for what has no limit of its own, and leave it to itself when it takes too long."""

import threading
from collections.abc import Callable
from typing import TypeVar

from osci_jobs import signals
from osci_jobs.errors import OsciError

_PARTING_SECONDS = 0.5

Result = TypeVar("Result")


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """Return what the function does, or raise TimeoutError and leave it to itself.

    A socket's own limit is for each piece that it receives, and there is none
    for looking up a name.
    """
    done: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(function())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    # A signal in the middle of a start is an exception that Python complains of.
    with signals.blocked():
        thread.start()
    try:
        thread.join(seconds)
    except OsciError:
        thread.join(_PARTING_SECONDS)  # or Python complains of it when it ends
        raise
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]
