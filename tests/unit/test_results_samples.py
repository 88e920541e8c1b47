# SPDX-License-Identifier: Apache-2.0
"""Tests of reading the samples that a stranger left."""

import pytest

from osci_jobs.results import samples
from osci_jobs.results.samples import medians, read

HEADER = "at,operation,seconds,status\n"
ROW = "2026-11-23T09:35:44Z,server.create,1.5,202\n"


def test_samples_are_read(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text(HEADER + ROW)
    found = read(path)
    assert found.bad_rows == 0
    assert [(one.operation, one.seconds, one.status) for one in found.samples] == [
        ("server.create", 1.5, 202)
    ]


@pytest.mark.parametrize(
    "row",
    [
        "yesterday,server.create,1.5,202",
        "2026-11-23T09:35:44Z,,1.5,202",
        "2026-11-23T09:35:44Z,server.create,soon,202",
        "2026-11-23T09:35:44Z,server.create,nan,202",
        "2026-11-23T09:35:44Z,server.create,-1,202",
        "2026-11-23T09:35:44Z,server.create,1e9,202",
        "2026-11-23T09:35:44Z,server.create,1.5,ok",
        "2026-11-23T09:35:44Z,server.create,1.5,99",
        "2026-11-23T09:35:44Z,server.create,1.5",
        "2026-11-23T09:35:44Z,server.create,1.5,202,more",
        '2026-11-23T09:35:44Z,"server.create,1.5,202',
        f"2026-11-23T09:35:44Z,{'x' * 300},1.5,202",
        f"2026-11-23T09:35:44Z,{'x' * 200_000},1.5,202",
        "2026-11-23T09:35:44Z,server.create,1.5," + "9" * 5000,
        "\0\0\0",
    ],
)
def test_a_bad_row_is_counted_and_spoils_no_other(tmp_path, row):
    path = tmp_path / "samples.csv"
    path.write_text(HEADER + ROW + row + "\n" + ROW)
    found = read(path)
    assert (len(found.samples), found.bad_rows) == (2, 1)


def test_a_missing_file_has_no_samples(tmp_path):
    assert read(tmp_path / "samples.csv") == samples.Samples((), 0)


def test_another_header_makes_one_bad_row(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text("when,what\n" + ROW)
    assert read(path) == samples.Samples((), 1)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real").write_text(HEADER + ROW)
    (tmp_path / "samples.csv").symlink_to("real")
    assert read(tmp_path / "samples.csv") == samples.Samples((), 1)


def test_rows_past_the_limit_make_one_bad_row(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text(HEADER + "x\n" * (samples.ROWS + 10))
    assert read(path) == samples.Samples((), samples.ROWS + 1)


def test_medians_are_of_good_answers_and_known_operations_only(tmp_path):
    path = tmp_path / "samples.csv"
    rows = [("server.create", 1, 202), ("server.create", 4, 202), ("server.create", 0.01, 500)]
    rows += [("server.show", 0.1, 0), ("image.list", 0.2, 200)]
    text = "".join(f"2026-11-23T09:35:44Z,{name},{took},{code}\n" for name, took, code in rows)
    path.write_text(HEADER + text)
    found = read(path).samples
    assert medians(found, ("server.create", "server.show")) == {"server.create": 2.5}
