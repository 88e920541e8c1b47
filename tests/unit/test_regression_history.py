# SPDX-License-Identifier: Apache-2.0
"""Tests of the history: what trunk/trunk pairs add to it, and its file."""

import json
import math
from dataclasses import replace

import pytest
from regressions import counter, time, times

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import history
from osci_jobs.regression.model import History


def test_pairs_add_their_log_ratios_the_newest_last():
    first = history.fold(History(), [time("boot", (1.0,), (2.0,))])
    second = history.fold(first, [time("boot", (4.0, None), (1.0, 1.0))])
    assert second.ratios == {"boot": pytest.approx((math.log(2), math.log(0.25)))}


def test_the_newest_pairs_are_kept():
    known = History({"boot": (9.0,) * history.KEPT})
    kept = history.fold(known, [time("boot", (1.0,), (1.0,))]).ratios["boot"]
    assert len(kept) == history.KEPT
    assert kept[-2:] == (9.0, 0.0)


def test_what_all_times_did_is_no_noise_of_each():
    slower = [replace(one, after=tuple(2 * a for a in one.after)) for one in times(50, 5)]
    for ratios in history.fold(History(), slower).ratios.values():
        assert all(abs(ratio) < 0.3 for ratio in ratios)


def test_counters_that_are_alike_are_so_exactly():
    metrics = [counter("none", (0.0, 7.0), (0.0, 7.0)), *times(50, 2)]
    assert history.fold(History(), metrics).ratios["none"] == (0.0, 0.0)


def test_what_is_not_to_be_believed_is_left_out():
    bad = [time("failed", (1.0,), (1.0,), reason="it hung"), time("none", (), ())]
    assert history.fold(History(), bad) == History()


def test_a_history_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "history.json"
    written = history.fold(History(), times(20, 5))
    history.write(path, written)
    assert history.read(path) == written
    assert json.loads(path.read_text())["format"] == history.FORMAT


def test_without_a_file_there_is_no_history(tmp_path):
    assert history.read(tmp_path / "none.json") == History()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is not of format 1"),
        ('{"format": 2, "metrics": {}}', "is not of format 1"),
        ('{"format": 1}', "has no object 'metrics'"),
        ('{"format": 1, "metrics": {"boot": 1}}', "'boot' is no list of numbers"),
        ('{"format": 1, "metrics": {"boot": [NaN]}}', "'boot' is no list of numbers"),
        ('{"format": 1, "metrics": {"boot": [true]}}', "'boot' is no list of numbers"),
    ],
)
def test_a_file_that_is_no_history_is_refused(tmp_path, text, message):
    path = tmp_path / "history.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        history.read(path)
