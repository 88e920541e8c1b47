# SPDX-License-Identifier: Apache-2.0
"""`osci jobs`: the list of deployments that Jenkins Job Builder reads."""

import os
import re
from pathlib import Path

import pytest

TREE = Path(__file__).parents[3]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
)
TOO_MUCH = (
    "The file is nested more than 50 levels deep, or has more than 100,000 values, "
    "with those that its aliases stand for."
)
# What a bomb would take if it went off is hours and terabytes.
LIMITED = ("prlimit", "--cpu=60", f"--as={4 << 30}")


@pytest.fixture
def jobs(osci):
    (osci.work / "jobs").mkdir()
    return osci.work / "jobs"


@pytest.fixture
def command(osci, jobs):
    """Run `osci jobs render` with `--json`, and return its exit code and what was stale."""

    def command(*words):
        done = osci("jobs", "render", "--json", *words)
        assert done.json["path"] == "jobs/deployments.inc"
        return done.code, done.json["stale"]

    return command


def test_the_list_is_written_once(command, jobs):
    assert command() == (0, {"bare": "missing", "hosts": "missing"})
    written = (jobs / "deployments.inc").stat().st_mtime_ns
    assert command() == (0, {})
    assert (jobs / "deployments.inc").stat().st_mtime_ns == written


def test_check_writes_nothing(command, jobs):
    assert command("--check") == (1, {"bare": "missing", "hosts": "missing"})
    assert list(jobs.iterdir()) == []


def test_check_finds_nothing_after_rendering(command):
    command()
    assert command("--check") == (0, {})


def test_what_is_stale_is_told(command, osci):
    command()
    osci.write("more", host=[{"name": "host1"}])
    osci.write("hosts", host=[{"name": "host1"}], job={"label": "other"})
    (osci.deployments / "bare.json").unlink()
    stale = {"bare": "left over", "hosts": "changed", "more": "missing"}
    assert command("--check") == (1, stale)
    assert command() == (0, stale)
    assert command("--check") == (0, {})


@pytest.mark.parametrize("text", ["", "nonsense", "\x00\xff", BOMB, '- "bare":\n', "# " * 10**6])
def test_whatever_stands_in_the_place_of_the_list_is_stale(command, jobs, text):
    (jobs / "deployments.inc").write_text(text, "latin-1")
    assert command("--check")[0] == 1
    command()
    assert command("--check") == (0, {})


def test_a_head_that_somebody_changed_is_stale(command, jobs):
    command()
    path = jobs / "deployments.inc"
    path.write_text("# mine\n" + path.read_text())
    assert command("--check") == (1, {"deployments.inc": "changed"})


def test_people_are_told_what_to_do(osci, jobs):
    done = osci("jobs", "render", "--check")
    assert (done.code, done.out.splitlines()) == (
        1,
        [
            "bare: missing",
            "hosts: missing",
            "'jobs/deployments.inc' is stale; renew it with: osci jobs render",
        ],
    )


def test_the_faults_of_all_files_are_told_and_nothing_is_written(osci, jobs):
    osci.write("bare", host=[])
    osci.write("hosts", host=[{"name": "host1"}], job={"labels": "x"})
    (osci.deployments / "$(touch x).json").write_text("{}")
    done = osci("jobs", "render")
    assert done.code == 2
    name, *faults = done.err.splitlines()
    assert "is no name of a deployment" in name
    assert [fault.partition(":")[0] for fault in faults] == [
        str(osci.deployments / name) for name in ("bare.json", "hosts.json")
    ]
    assert list(jobs.iterdir()) == []


def test_a_directory_of_jobs_that_is_not_there_is_told(osci):
    done = osci("jobs", "render", "--jobs-dir", "nowhere")
    assert (done.code, done.err) == (
        2,
        "osci: 'nowhere': The directory of jobs cannot be read: No such file or directory. "
        "'--jobs-dir' names another.\n",
    )


@pytest.mark.parametrize("name", ["mine.yaml", "mine.yml", "mine.inc"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, f"6:8: {TOO_MUCH}"),
        # From a thousand levels on it is PyYAML that refuses, since 6.0.4.
        ("[" * 900, f"1:51: {TOO_MUCH}"),
        ("a: &a [*a]", "1:8: The alias 'a' stands for nothing, or itself."),
        ("x" * 2_000_000, " The file is larger than 1 MiB, expected a few kilobytes."),
    ],
    ids=["aliases", "depth", "itself", "size"],
)
def test_a_bomb_is_refused(osci, jobs, name, text, message):
    (jobs / name).write_text(text)
    done = osci("jobs", "render", prefix=LIMITED)
    assert (done.code, done.err) == (2, f"osci: jobs/{name}:{message}\n")


def test_half_a_million_levels_are_refused(osci, jobs):
    (jobs / "mine.yaml").write_text("[" * 500_000)
    done = osci("jobs", "render", prefix=LIMITED)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert re.match(r"osci: jobs/mine\.yaml:1:\d+: The file is n", done.err)


def test_a_bomb_ends_the_check_as_well(osci, jobs):
    (jobs / "mine.yaml").write_text(BOMB)
    done = osci("jobs", "render", "--check", "--json", prefix=LIMITED)
    assert done.json["error"].endswith(TOO_MUCH)


def test_what_is_no_yaml_is_told_with_its_place(osci, jobs):
    (jobs / "mine.yaml").write_text("a: [")
    done = osci("jobs", "render")
    assert done.code == 2
    assert done.err.startswith("osci: jobs/mine.yaml:")
    assert ": The file is not YAML: " in done.err


def test_a_fifo_among_the_jobs_is_not_waited_for(osci, jobs):
    os.mkfifo(jobs / "mine.yaml")
    done = osci("jobs", "render")
    assert (done.code, done.err) == (2, "osci: jobs/mine.yaml: This is not a regular file.\n")


def test_the_tree_s_own_list_is_not_stale(osci):
    done = osci(
        *("jobs", "render", "--check", "--jobs-dir", str(TREE / "jobs")),
        *("--deployment-config-dir", str(TREE / "config" / "deploy")),
    )
    assert (done.code, done.err) == (0, "")
