# SPDX-License-Identifier: Apache-2.0
"""Builds of real deployments on a real Hudson: results, archive, plots, aborts."""

import csv
import io
import json
import re
import time

import pytest

from osci_jobs.results import metrics, runs

ABORT_SECONDS = 60
# The words that ask for a short build of each family.
ASKED = {
    "functional": ("--command", "functional"),
    "stress": ("--command", "stress", "--scenario", "token", "--scenario", "image-list"),
}


@pytest.mark.full
@pytest.mark.parametrize("family", ASKED)
def test_two_builds_of_single_are_archived_and_plotted(hudson, family):
    names = metrics.names(True, has_load=family == "stress")
    plots = sorted(names, key=metrics.TITLES.get)
    first = build_of_single(hudson, family)
    pictures = [plot(hudson, family, number) for number in range(len(plots))]
    second = build_of_single(hudson, family)
    for number, picture in enumerate(pictures):
        assert picture.startswith(b"\x89PNG")
        assert plot(hudson, family, number) != picture, f"'{plots[number]}' stays as it was"
    for name in names:
        text = hudson.on_host("cat", f"/var/lib/hudson/jobs/osci-{family}-single/osci-{name}.csv")
        assert points(text) == [
            (str(number), column, value)
            for number in (first, second)
            for column, value in archived(hudson, family, number, name)
        ]


def build_of_single(hudson, family: str) -> int:
    """Build `single` and see what the server keeps of it; return the build's number."""
    done = hudson.trigger("single", *ASKED[family], "--json")
    assert done.code == 0, done.err
    number = done.json["build"]
    build = hudson.build("single", number, family)
    assert build["result"] == "SUCCESS"
    record = json.loads(hudson.artifact("single", number, "run.json", family))
    tests = hudson.json(f"job/osci-{family}-single/{number}/testReport")
    (suite,) = record["suites"].values()
    assert (tests["failCount"], tests["skipCount"]) == (0, suite["skipped"])
    assert tests["passCount"] == suite["passed"] >= (4 if family == "stress" else 20)
    directory = hudson.run_directory("single", family)
    kept = {artifact["relativePath"] for artifact in build["artifacts"]}
    assert kept == {f"run/{path.relative_to(directory)}" for path in files(directory)}
    assert hudson.artifact("single", number, "report.html", family) == (
        (directory / "report.html").read_bytes()
    )
    return number


def files(directory):
    return [path for path in directory.rglob("*") if path.is_file()]


def plot(hudson, family: str, number: int) -> bytes:
    path = f"job/osci-{family}-single/plot/getPlot?index={number}&width=750&height=450"
    return hudson.get(path)


def points(text: str) -> list[tuple[str, str, str]]:
    """Return what the plot plugin has stored: build, series and value of each point."""
    _title, _header, *rows = csv.reader(io.StringIO(text))
    return [(build, series, value) for value, series, build, _date, _url in rows]


def archived(hudson, family: str, number: int, name: str) -> list[tuple[str, str]]:
    text = hudson.artifact("single", number, f"metrics/{name}.csv", family).decode()
    header, row = csv.reader(io.StringIO(text))
    return list(zip(header, row, strict=True))


@pytest.mark.parametrize(
    ("name", "code", "result", "verdict"),
    [
        ("quick", 0, "SUCCESS", "success"),
        ("failing", 1, "UNSTABLE", "failure"),
        pytest.param("empty", 5, "FAILURE", "empty", marks=pytest.mark.full),
        ("broken", 8, "FAILURE", "timeout"),
    ],
)
def test_a_build_is_what_its_run_was(hudson, name, code, result, verdict):
    done = hudson.trigger(name, "--json")
    assert (done.code, done.json["verdict"]) == (code, verdict), done.err
    number = done.json["build"]
    build = hudson.build(name, number)
    assert build["result"] == result
    record = json.loads(hudson.artifact(name, number, "run.json"))
    assert (record["verdict"], record["exit_code"]) == (verdict, code)
    assert build["description"].startswith(f"<b>{verdict}</b>")
    assert f"osci-functional-{name}/{number}/artifact/run/report.html" in build["description"]
    if name == "failing":
        tests = hudson.json(f"job/osci-functional-failing/{number}/testReport")
        assert (tests["passCount"], tests["failCount"]) == (1, 1)
        assert "host2 is not there" in build["description"]


def test_a_build_without_junit_is_never_green(hudson):
    config = hudson.get("job/osci-functional-quick/config.xml").decode()
    command = re.search("<command>(.*)</command>", config)[1]
    job = "osci-functional-silent"
    hudson.post(f"createItem?name={job}", config.replace(command, "true").encode(), "text/xml")
    try:
        done = hudson.trigger("silent", "--json")
        assert (done.code, done.json["result"]) == (3, "failure"), done.err
    finally:
        hudson.post(f"job/{job}/doDelete")


def test_a_deployment_file_that_became_wrong_fails_the_build_without_an_old_result(hudson):
    assert hudson.trigger("quick").code == 0
    path = hudson.osci.deployments / "quick.json"
    text = path.read_text()
    try:
        path.write_text(text.replace("host", "hots", 1))
        done = hudson.trigger("quick", "--json")
    finally:
        path.write_text(text)
    number = done.json["build"]
    build = hudson.build("quick", number)
    assert (build["result"], build["artifacts"]) == ("FAILURE", [])
    assert done.code != 0
    assert "Did you mean 'host'?" in hudson.log("quick", number)


def test_an_abort_in_the_deploy_phase_leaves_a_result_and_nothing_else(hudson):
    started = hudson.trigger("single", "--no-wait", "--json")
    assert started.code == 0, started.err
    number = started.json["build"]
    hudson.wait_for_log("single", number, "deploy …")
    time.sleep(2)
    aborted = time.monotonic()
    hudson.post(f"job/osci-functional-single/{number}/stop")
    assert hudson.build("single", number)["result"] == "ABORTED"
    await_end(hudson, "single", aborted + ABORT_SECONDS)
    shown = hudson.osci("show", str(hudson.run_directory("single")), "--json")
    assert shown.json["verdict"] == "interrupted", shown.err
    assert shown.json["cause"]["phase"] == "deploy"
    phases = [phase["name"] for phase in shown.json["phases"]]
    assert phases[-2:] == ["harvest", "delete"]
    description = hudson.build("single", number)["description"]
    assert "interrupted" in description
    assert "report.html" not in description


@pytest.mark.full
def test_a_build_that_passes_its_limit_is_aborted(hudson):
    done = hudson.trigger("limited", "--json")
    assert (done.code, done.json["result"]) == (143, "aborted"), done.err
    assert 60 <= done.json["seconds"] < 90
    await_end(hudson, "limited", time.monotonic() + ABORT_SECONDS)


def await_end(hudson, name: str, until: float) -> None:
    """Wait until nothing is left of the job's last run but its result."""
    directory = hudson.run_directory(name)
    while hudson.osci.groups != [hudson.group] or runs.is_under_way(directory):
        assert time.monotonic() < until, "the run does not end"
        time.sleep(0.2)


@pytest.mark.full
def test_a_kept_group_outlives_its_build(hudson):
    done = hudson.trigger("quick", "--keep", "always", "--json")
    assert done.code == 0, done.err
    (group,) = set(hudson.osci.groups) - {hudson.group}
    assert hudson.osci("ssh", group, "host1", "true").code == 0
    assert hudson.osci("delete", group).code == 0


def test_two_deployments_are_built_side_by_side(hudson):
    names = ("slow1", "slow2")
    started = {name: hudson.trigger(name, "--no-wait", "--json") for name in names}
    assert [done.code for done in started.values()] == [0, 0]
    times = []
    for name, done in started.items():
        build = hudson.build(name, done.json["build"])
        assert build["result"] == "SUCCESS"
        times.append((build["timestamp"], build["timestamp"] + build["duration"]))
    (begin1, end1), (begin2, end2) = times
    assert max(begin1, begin2) < min(end1, end2)
