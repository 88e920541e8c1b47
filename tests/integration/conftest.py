# SPDX-License-Identifier: Apache-2.0
"""Running osci as its user does, and seeing that it leaves nothing behind."""

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from leftovers import assert_nothing_left, machine
from running import Osci

PR_SET_CHILD_SUBREAPER = 36


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes too long for CI; run by `tox -e full`")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture
def osci(tmp_path):
    """Run osci in an empty directory; see afterwards that the machine is as it was."""
    subprocess.run(["ip", "netns", "list"], check=True)
    before = machine()
    command = Osci(tmp_path)
    yield command
    try:
        assert_nothing_left(before)
        assert list(command.temporary.iterdir()) == []
        assert command.groups == []
    finally:
        # What a failed test leaves must not fail the next one too.
        if command.groups:
            command("delete", *command.groups)


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
