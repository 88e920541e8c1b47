# SPDX-License-Identifier: Apache-2.0
"""Tests of what the checks of `osci doctor` make of what they see."""

from datetime import UTC, datetime, timedelta

import pytest

from osci_jobs.doctor.registries import judge_clock
from osci_jobs.groups.registries import server_time

NOW = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [-60, 0, 60])
def test_a_clock_that_is_nearly_right_is_ok(seconds):
    assert judge_clock(NOW, NOW + timedelta(seconds=seconds)).outcome == "ok"


@pytest.mark.parametrize(
    ("seconds", "words"), [(61, "61 s ahead"), (-61, "61 s behind"), (86400, "86400 s ahead")]
)
def test_a_clock_that_is_wrong_is_trouble(seconds, words):
    answer = judge_clock(NOW, NOW + timedelta(seconds=seconds))
    assert answer.outcome == "trouble"
    assert words in answer.message


def test_a_mirror_that_does_not_tell_the_time_is_a_note():
    assert judge_clock(None, NOW).outcome == "note"


@pytest.mark.parametrize(
    "lines",
    [
        ["Date: Mon, 23 Nov 2026 09:35:44 GMT"],
        ["HTTP/1.1 200 OK", "date: Mon, 23 Nov 2026 09:35:44 GMT", "etag: x"],
        ["Date: Mon, 23 Nov 2026 09:25:44 GMT", "Age: 600"],
        ["Date: Mon, 23 Nov 2020 00:00:00 GMT", "Date: Mon, 23 Nov 2026 09:35:44 GMT"],
    ],
)
def test_the_time_is_that_of_the_last_answer_and_its_age(lines):
    assert server_time(lines) == NOW


@pytest.mark.parametrize(
    "lines",
    [[], ["Date: "], ["Date: tomorrow"], ["Date: Mon, 23 Nov 2026 09:35:44 GMT", "Age: old"]],
)
def test_a_time_that_is_none_is_none(lines):
    assert server_time(lines) is None
