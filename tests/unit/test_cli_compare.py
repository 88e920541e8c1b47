# SPDX-License-Identifier: Apache-2.0
"""`osci compare`: what differs between two runs, furthest first, and never called worse."""

import json
import shutil
from pathlib import Path

import pytest

from osci_jobs import cli

RUNS = Path(__file__).parents[1] / "data" / "results"


@pytest.fixture
def runs(tmp_path):
    """Two runs with the same metrics."""
    made = []
    for name in ("before", "after"):
        shutil.copytree(RUNS / "success", tmp_path / name)
        shutil.copytree(RUNS / "success" / "expected", tmp_path / name, dirs_exist_ok=True)
        made.append(tmp_path / name)
    return made


def change(run: Path, file: str, column: str, factor: float):
    path = run / "metrics" / f"{file}.csv"
    names, values = (line.split(",") for line in path.read_text().splitlines())
    place = names.index(column)
    values[place] = f"{float(values[place]) * factor:g}" if factor else ""
    path.write_text(f"{','.join(names)}\n{','.join(values)}\n")


def test_runs_that_are_alike_differ_in_nothing(runs, capsys):
    assert cli.main(["compare", *map(str, runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Indicative:")
    assert lines[3].split() == ["metric", "before", "after", "unit", "change"]
    assert lines[4].endswith("metrics differ by less than is of interest.")


def test_what_differs_is_told_furthest_first(runs, capsys):
    change(runs[1], "memory", "mariadb.mean", 1.5)
    change(runs[1], "phases", "deploy", 0.9)
    cli.main(["compare", *map(str, runs)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[4:6]]
    assert [(row[0], row[-2]) for row in rows] == [
        ("memory/mariadb.mean", "+50.0"),
        ("phases/deploy", "-10.0"),
    ]


def test_the_object_has_every_metric_and_calls_none_worse(runs, capsys):
    change(runs[1], "memory", "mariadb.mean", 3)
    change(runs[1], "memory", "mariadb.peak", 0)
    assert cli.main(["compare", *map(str, runs), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["is_indicative"] is True
    found = {one["name"]: one for one in document["findings"]}
    assert {one["answer"] for one in found.values()} == {"cannot tell"}
    mean = found["memory/mariadb.mean"]
    assert mean["after"] == pytest.approx(3 * mean["before"])
    assert found["memory/mariadb.peak"]["after"] is None


def test_a_file_of_metrics_that_is_none_is_an_error(runs, capsys):
    (runs[0] / "metrics" / "memory.csv").write_text("a\n1\n2\n")
    assert cli.main(["compare", *map(str, runs)]) == 2
    assert "is no file of metrics" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_an_error(runs, capsys):
    assert cli.main(["compare", str(runs[0]), "nosuch"]) == 2
    assert "There are no runs in" in capsys.readouterr().err
