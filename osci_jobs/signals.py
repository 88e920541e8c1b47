# SPDX-License-Identifier: Apache-2.0
"""Signals that would come in the middle of what must not be half done."""

import contextlib
import signal
from collections.abc import Iterator

STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Hold INT, TERM and the alarm back until the body is done; they come then.

    What is started in the body inherits that and has to undo it if it stays.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
