# SPDX-License-Identifier: Apache-2.0
"""What is waited for no longer than it may take."""

import threading

import pytest

from osci_jobs import deadline


def test_what_takes_too_long_is_left_to_itself():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        deadline.within(0.05, never.wait)
    never.set()
    assert deadline.within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        deadline.within(5, lambda: 1 / 0)
