# SPDX-License-Identifier: Apache-2.0
"""Tests of files of pairs: read as they were written, and refused when they are none."""

import gzip

import pytest
from regressions import counter, time

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import pairs

HEAD = ",".join(pairs.COLUMNS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "noise.csv.gz"


def test_pairs_are_read_as_they_were_written(path):
    metrics = (
        time("compute.server.create", (0.25, None), (0.5, 1e-6)),
        counter("statements.nova", (12.0,), (13.0,), floor=0.5),
    )
    pairs.write(path, metrics)
    assert pairs.read(path) == metrics


def test_the_same_pairs_give_the_same_bytes(path):
    pairs.write(path, [time("boot", (1.0,), (2.0,))])
    first = path.read_bytes()
    pairs.write(path, [time("boot", (1.0,), (2.0,))])
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The columns of"),
        ("metric,before,after", "The columns of"),
        (f"{HEAD}\nboot,s,lower,time,0,,0,1,many", ":2: This is no pair"),
        (f"{HEAD}\nboot,s,lower,time,0,,0,1,nan", "nan is no number"),
        (f"{HEAD}\nboot,s,lower,time,0,,1,1,1", "pair 0 was expected"),
        (f"{HEAD}\nboot,s,up,time,0,,0,1,1", "direction, kind or floor is none"),
        (f"{HEAD}\nboot,s,lower,space,0,,0,1,1", "direction, kind or floor is none"),
        (f"{HEAD}\nboot,s,lower,time,-1,,0,1,1", "direction, kind or floor is none"),
        (f"{HEAD}\nboot,s,lower", "This is no pair"),
        (f"{HEAD}\nboot,s,lower,time,0,,0,1,1\nboot,ms,lower,time,0,,1,1,1", "another than before"),
    ],
)
def test_a_file_that_is_none_of_pairs_is_refused(path, text, message):
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(ConfigurationError, match=message):
        pairs.read(path)


def test_a_file_that_is_not_packed_is_refused(path):
    path.write_text(HEAD)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        pairs.read(path)
