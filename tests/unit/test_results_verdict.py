# SPDX-License-Identifier: Apache-2.0
"""Tests of the table of verdicts."""

import json
import signal
from importlib.resources import files

import pytest

from osci_jobs import errors
from osci_jobs.results.verdict import VERDICTS, exit_code


def test_exit_codes_differ():
    codes = [row.exit_code for row in VERDICTS.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (None, 130)]
)
def test_an_interrupt_exits_by_its_signal(number, expected):
    assert exit_code("interrupted", number) == expected


@pytest.mark.parametrize("verdict", VERDICTS)
def test_ci_hides_what_makes_a_build_unstable_and_nothing_else(verdict):
    is_hidden = verdict in ("failure", "regression")
    assert exit_code(verdict, ci=True) == (0 if is_hidden else VERDICTS[verdict].exit_code)


def test_each_error_has_a_verdict_of_the_table():
    classes = [errors.OsciError, *errors.OsciError.__subclasses__()]
    assert {kind.verdict for kind in classes} <= VERDICTS.keys()


def test_the_schema_has_the_same_verdicts():
    schema = json.loads(files("osci_jobs.results").joinpath("run.schema.json").read_text())
    assert schema["$defs"]["verdict"]["enum"] == list(VERDICTS)
