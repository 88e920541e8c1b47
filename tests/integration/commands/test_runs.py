# SPDX-License-Identifier: Apache-2.0
"""Tests of the commands that read directories of runs, whatever lies there."""

import json
import os
import shutil
from pathlib import Path

import pytest

from osci_jobs.results.runlog import RunLog

DATA = Path(__file__).resolve().parents[2] / "data" / "results"
OF = {
    "success": "20261123T093544Z-basic-4f2a1c",
    "failure": "20261124T093544Z-basic-5e3b2d",
    "deploy": "20261125T093544Z-spread-6a4c3e",
}
KILLED = "20261126T093544Z-basic-7b5d4f"


@pytest.fixture
def results(osci):
    """Have three runs with their results, and the latest one killed before it had any."""
    results = osci.work / "results"
    for name, run in OF.items():
        _place(name, results / run)
        shutil.copytree(DATA / name / "expected", results / run, dirs_exist_ok=True)
        _rename(results / run / "run.json", run)
    _place("killed", results / KILLED)
    return results


def _place(name, directory):
    shutil.copytree(DATA / name, directory, ignore=shutil.ignore_patterns("expected"))


def _rename(path, run):
    document = json.loads(path.read_text())
    document["run"] = run
    document["deployment"]["name"] = run.split("-")[1]
    path.write_text(json.dumps(document))


def error_of(done) -> str:
    """Return the one message of a command that was not carried out for what was asked of it."""
    assert (done.code, done.out) == (2, "")
    return done.err.removeprefix("osci: ").rstrip("\n")


def verdicts(osci, *words) -> dict[str, str]:
    return {row["run"]: row["verdict"] for row in osci("runs", "--json", *words).json["runs"]}


def test_without_a_directory_there_are_no_runs(osci):
    assert osci("runs").out == ""
    assert osci("runs", "--json").json == {"runs": []}
    assert error_of(osci("show", "latest")) == (
        "There are no runs in 'results'; '--output' names another directory."
    )


def test_runs_are_listed_newest_first_with_what_to_do(osci, results):
    lines = [line.split() for line in osci("runs").out.splitlines()]
    assert lines == [
        [KILLED, "unfinished", "basic", "functional", "osci", "report", f"results/{KILLED}"],
        [OF["deploy"], "deploy", "160", "s", "spread", "functional"],
        [OF["failure"], "failure", "278", "s", "basic", "functional"],
        [OF["success"], "success", "278", "s", "basic", "functional"],
    ]


def test_runs_are_listed_as_json(osci, results):
    unfinished, *_, last = osci("runs", "--json").json["runs"]
    assert last == {
        "command": "functional",
        "deployment": "basic",
        "remedy": "",
        "run": OF["success"],
        "run_directory": str(results / OF["success"]),
        "seconds": json.loads((results / OF["success"] / "run.json").read_text())["seconds"],
        "started": "2026-11-23T09:35:44.000Z",
        "verdict": "success",
    }
    assert (unfinished["seconds"], unfinished["started"]) == (None, "2026-11-23T09:35:44.000Z")


def test_runs_of_one_deployment_are_listed(osci, results):
    assert verdicts(osci, "--deployment", "spread") == {OF["deploy"]: "deploy"}
    assert osci("runs", "--deployment", "nix").out == ""


def test_another_directory_is_named_by_option_or_environment(osci, results):
    shutil.move(results, osci.work / "other")
    assert verdicts(osci) == {}
    found = verdicts(osci, "--output", "other")
    osci.environment["OSCI_OUTPUT"] = "other"
    assert verdicts(osci) == found
    assert len(found) == 4


@pytest.mark.parametrize(
    "word",
    ["4f2a1c", "23T0", OF["success"], f"results/{OF['success']}", f"results/{OF['success']}/"],
)
def test_a_run_is_shown_by_what_means_it_alone(osci, results, word):
    done = osci("show", word)
    assert (done.code, done.err) == (0, "")
    assert done.out == (results / OF["success"] / "report.txt").read_text()


def test_the_verdict_of_a_run_is_no_verdict_on_showing_it(osci, results):
    done = osci("show", "6a4c3e", "--json")
    assert done.code == 0
    assert done.json == {
        **json.loads((results / OF["deploy"] / "run.json").read_text()),
        "run_directory": str(results / OF["deploy"]),
    }


def test_a_run_that_is_not_there_is_told_with_the_nearest(osci, results):
    assert error_of(osci("show", "20261123T093544Z-basic-4f2a1d")) == (
        "There is no run '20261123T093544Z-basic-4f2a1d' in 'results'. "
        f"Did you mean '{OF['success']}'?"
    )
    assert error_of(osci("report", "xyz")) == (
        "There is no run 'xyz' in 'results'. The last ones are: "
        f"{', '.join((KILLED, *reversed(OF.values())))}."
    )


def test_a_part_of_several_runs_is_told_with_them(osci, results):
    assert error_of(osci("show", "basic")) == (
        f"'basic' is a part of 3 runs in 'results': {KILLED}, {OF['failure']}, {OF['success']}."
    )


def test_a_killed_run_is_shown_once_its_report_is_made(osci, results):
    assert error_of(osci("show", "latest")) == (
        f"The run '{KILLED}' did not come to its end and has no result; "
        f"make it with: osci report {results / KILLED}"
    )
    done = osci("report", "latest")
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == [
        str(results / KILLED / name) for name in ("report.txt", "report.html")
    ]
    assert osci("show", "latest").out.startswith("INTERRUPTED  functional basic\n")
    assert verdicts(osci)[KILLED] == "interrupted"


def test_a_report_is_made_anew_and_is_the_same(osci, results):
    osci("report", KILLED)
    files = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    done = osci("report", KILLED, "--json")
    assert done.json["run_directory"] == str(results / KILLED)
    assert done.json["verdict"] == "interrupted"
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("command", ["show", "report"])
def test_a_run_that_goes_on_is_left_alone(osci, results, command):
    run = "20261127T093544Z-basic-000000"
    with RunLog(results / run / "log.jsonl"):
        assert error_of(osci(command, "latest")) == (
            f"The run '{run}' is still going on; it is reported when it ends."
        )
        assert verdicts(osci)[run] == "under way"
        directory = str(results / run)
        assert "still going on" in error_of(
            osci("functional", "hosts", "--run-directory", directory)
        )
    assert verdicts(osci)[run] == "unfinished"


def _torn(directory):
    content = (directory / "run.json").read_text()
    (directory / "run.json").write_text(content[: len(content) // 2])


def _of_tomorrow(directory):
    (directory / "run.json").write_text('{"format": 99}')


def _nested(directory):
    (directory / "run.json").write_text("[" * 100_000)


def _linked(directory):
    (directory / "run.json").unlink()
    (directory / "run.json").symlink_to("/etc/passwd")


def _piped(directory):
    (directory / "run.json").unlink()
    os.mkfifo(directory / "run.json")


def _of_other_kinds(directory):
    document = json.loads((directory / "run.json").read_text())
    (directory / "run.json").write_text(json.dumps({**document, "seconds": [], "phases": {"a": 1}}))


DAMAGES = [_torn, _of_tomorrow, _nested, _linked, _piped, _of_other_kinds]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_record_that_cannot_be_read_is_a_row_and_an_error(osci, results, damage):
    directory = results / OF["success"]
    damage(directory)
    (row,) = [one for one in osci("runs", "--json").json["runs"] if one["verdict"] == "unreadable"]
    assert row["remedy"].startswith(f"The record 'results/{OF['success']}/run.json'")
    assert osci("runs").code == 0
    done = osci("show", "4f2a1c", "--json")
    assert (done.code, done.json["verdict"]) == (2, "configuration")


def test_a_report_can_be_made_anew_where_the_record_is_torn(osci, results):
    _torn(results / OF["success"])
    assert osci("report", "4f2a1c").code == 0
    assert verdicts(osci)[OF["success"]] == "success"


def _not_a_log(directory):
    (directory / "log.jsonl").write_text("[]\n{}\n")


def _out_of_the_directory(directory):
    text = (directory / "log.jsonl").read_text()
    (directory / "log.jsonl").write_text(text.replace('"api"', '"../../../api"'))


def _without_fields(directory):
    *lines, _torn_line = (directory / "log.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    kept = [{key: one[key] for key in ("at", "seconds", "phase", "event")} for one in events]
    (directory / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in kept))


def _endless(directory):
    (directory / "log.jsonl").unlink()
    (directory / "log.jsonl").symlink_to("/dev/zero")


@pytest.mark.parametrize("damage", [_not_a_log, _out_of_the_directory, _without_fields, _endless])
def test_a_log_that_is_none_is_an_error_and_a_row(osci, results, damage):
    damage(results / KILLED)
    before = sorted(osci.directory.rglob("*"))
    done = osci("report", KILLED, "--json")
    assert done.code in (2, 3)
    assert "run log" in done.json["error"]
    assert sorted(osci.directory.rglob("*")) == before
    assert verdicts(osci)[KILLED] == "unreadable"


def test_strange_names_are_shown_and_do_nothing(osci, results):
    for name in (b"\x1b[31mred", b"two\nlines", b"\xff\xfe", b"$(reboot) 'x'", "长".encode() * 80):
        _place("killed", Path(os.fsdecode(os.path.join(os.fsencode(results), name))))
    done = osci("runs")
    assert (done.code, len(done.out.splitlines())) == (0, 9)
    assert "\x1b" not in done.out
    assert r"\x1b[31mred" in done.out and r"two\nlines" in done.out and r"\udcff\udcfe" in done.out
    assert len(osci("runs", "--json").json["runs"]) == 9
    assert osci("report", "\x1b[31m").out.count(r"\x1b[31mred") == 2
    assert osci("report", os.fsdecode(b"\xff\xfe")).code == 0
    assert "\x1b" not in error_of(osci("show", "e"))


def test_what_is_no_run_is_passed_over(osci, results):
    (results / "notes").mkdir()
    (results / "file").write_text("")
    (results / "loop").symlink_to("loop")
    assert len(verdicts(osci)) == 4
    assert error_of(osci("show", "notes")).startswith("There is no run 'notes' in 'results'.")
    assert error_of(osci("show", "")).startswith("'' is a part of 4 runs")


def test_an_output_that_is_a_file_is_told(osci):
    (osci.work / "results").write_text("")
    message = "The runs in 'results' cannot be read: Not a directory."
    assert error_of(osci("runs")) == message
    assert error_of(osci("show", "latest")) == message


def test_a_report_that_is_missing_is_told(osci, results):
    (results / OF["success"] / "report.txt").unlink()
    assert error_of(osci("show", "4f2a1c")) == (
        f"The report '{results / OF['success']}/report.txt' cannot be read: No such file or "
        f"directory; make it anew with: osci report {results / OF['success']}"
    )


def test_a_report_that_cannot_be_written_is_told(osci, results):
    shutil.rmtree(results / KILLED / "junit", ignore_errors=True)
    (results / KILLED / "junit").write_text("in the way")
    done = osci("report", KILLED)
    assert (done.code, done.out) == (3, "")
    assert "could not be written" in done.err
