# SPDX-License-Identifier: Apache-2.0
"""Running osci as its user does, and seeing that it leaves nothing behind."""

import ctypes
import signal
import time
from collections.abc import Callable

import pytest
from leftovers import leaving_nothing

PR_SET_CHILD_SUBREAPER = 36


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes too long for CI; run by `tox -e full`")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture
def osci(tmp_path):
    """Run osci in an empty directory; see afterwards that the machine is as it was."""
    with leaving_nothing(tmp_path) as command:
        yield command


@pytest.fixture
def until():
    """Wait for a condition for at most ten seconds."""

    def wait(condition: Callable[[], bool]):
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            time.sleep(0.05)

    return wait


@pytest.fixture
def interrupt():
    """The signal that Ctrl-C sends."""
    return signal.SIGINT
