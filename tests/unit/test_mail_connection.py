# SPDX-License-Identifier: Apache-2.0
"""The limits of a conversation with a mail server."""

import time

import pytest

from osci_jobs.mail.connection import STEPS, Limits


def test_a_step_has_its_limit():
    limits = Limits(0.01)
    time.sleep(0.02)
    with pytest.raises(TimeoutError):
        limits.left()
    limits.begin("another")
    assert 0 < limits.left() <= 0.01


def test_many_steps_have_one_together():
    limits, begun = Limits(0.05), time.monotonic()
    with pytest.raises(TimeoutError):
        while True:
            limits.begin("another")
            limits.left()
            time.sleep(0.001)
    assert time.monotonic() - begun >= STEPS * 0.05


def test_a_step_can_be_shortened():
    limits = Limits(600)
    limits.shorten(1)
    assert limits.left() <= 1
