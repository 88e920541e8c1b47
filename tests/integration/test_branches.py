# SPDX-License-Identifier: Apache-2.0
"""Branches of nova on real deployments: what each does, and how the run says so."""

import json
from pathlib import Path

import git_daemon
import pytest
import trunk

SINGLE = "single"


@pytest.fixture(scope="module")
def nova(tmp_path_factory):
    """A trunk of nova with branches, served by git."""
    directory = tmp_path_factory.mktemp("trunk")
    repository = trunk.make(directory)
    daemon = git_daemon.Daemon(directory)
    repository.url = f"{daemon.url}/nova"
    yield repository
    daemon.close()


@pytest.fixture
def run(osci, nova, tmp_path, monkeypatch):
    """Run `osci functional single` with a branch of nova, merged with its trunk."""
    table = trunk.projects(tmp_path, projects={"nova": {"url": nova.url, "branch": "master"}})
    monkeypatch.setenv("OSCI_PROJECTS", str(table))

    def run(branch: str, *words: str, command: str = "functional"):
        return osci(command, SINGLE, "--branch", f"nova={nova.url}@{branch}", "--merge", *words)

    return run


def record(done) -> dict:
    assert done.out, done.err
    return json.loads(done.out)


def assert_source(nova, source: dict, branch: str):
    """See that the source is what git itself says of the branch."""
    commits = {"proposed": branch, "trunk": "master", "base": "first"}
    assert {name: source[name] for name in commits} == {
        name: nova.git("rev-parse", ref) for name, ref in commits.items()
    }
    tree = nova.git("merge-tree", "--write-tree", "master", branch).splitlines()[0]
    assert source["tree"] == tree
    assert (source["url"], source["ref"]) == (nova.url, f"refs/heads/{branch}")
    assert (source["files"], source["insertions"]) == (1, 1)


def api_of(osci, access: dict) -> str:
    """Return what nova's API answers to whoever asks for its versions."""
    url = f"http://{access['hosts']['host1']}:8774/"
    program = f"import urllib.request as u; print(u.urlopen('{url}').read().decode())"
    return osci("ssh", access["group"], "tester", "python3", "-c", program).out


def report(done, lines: int | None = None) -> str:
    """Return the report as one line, for it is wrapped."""
    path = Path(done["run_directory"]) / "report.txt"
    return " ".join("\n".join(path.read_text().splitlines()[:lines]).split())


def first_screen(done) -> str:
    return report(done, 24)


def test_a_visible_change_is_seen_on_the_live_api(nova, run, osci):
    done = run("visible", "--json", command="create")
    made = record(done)
    assert (done.code, made["verdict"]) == (0, "success"), done.err
    assert_source(nova, made["sources"]["nova"], "visible")
    group = made["access"]["group"]
    assert trunk.VISIBLE in api_of(osci, made["access"])
    version = made["sources"]["nova"]["version"]
    assert version.startswith(trunk.VERSION + "+g")
    listed = osci("ssh", group, "host1", "/opt/openstack/bin/pip show nova")
    assert f"Version: {version}" in listed.out
    tested = osci("functional", "--group", group, "--suite", "smoke", "--json")
    assert (tested.code, tested.json["verdict"]) == (0, "success")
    assert tested.json["sources"] == made["sources"]
    assert tested.json["provenance"]["layers"] == made["provenance"]["layers"]
    assert osci("delete", group).code == 0
    again = run("visible", "--json", "--until", "install", command="create")
    assert "Building" not in again.err
    assert record(again)["sources"]["nova"]["tree"] == made["sources"]["nova"]["tree"]


def test_a_conflict_ends_the_run_before_a_host_is_made(nova, run):
    done = run("conflicting", "--json")
    found = record(done)
    assert (done.code, found["verdict"]) == (4, "source")
    assert [phase["name"] for phase in found["phases"]] == ["check", "fetch"]
    ours, theirs = (nova.git("rev-parse", "--short=10", ref) for ref in ("conflicting", "master"))
    assert f"{ours} ('Say it else') cannot be merged into {theirs}" in found["cause"]["message"]
    assert "'README.rst'" in found["cause"]["message"]


def test_what_does_not_build_ends_the_run_with_its_last_line(run):
    done = run("unbuildable", "--json")
    found = record(done)
    assert (done.code, found["verdict"], found["cause"]["phase"]) == (4, "source", "install")
    assert "SyntaxError" in found["cause"]["line"]
    assert found["cause"]["file"] == "logs/sources/nova.log"
    assert "create" not in [phase["name"] for phase in found["phases"]]
    assert "SyntaxError" in first_screen(found)


@pytest.mark.full
def test_a_requirement_that_contradicts_the_pins_is_named_with_its_rival(run):
    done = run("contradicting", "--json")
    found = record(done)
    assert (done.code, found["verdict"]) == (4, "source")
    assert "oslo.config<9" in found["cause"]["message"]
    assert "nova" in found["cause"]["message"]


@pytest.mark.full
def test_a_case_that_fails_is_laid_to_the_branch(nova, run):
    done = run("failing", "--json")
    found = record(done)
    assert (done.code, found["verdict"]) == (1, "failure")
    assert "limits" in found["cause"]["unit"]
    assert_source(nova, found["sources"]["nova"], "failing")
    report = (Path(found["run_directory"]) / "report.html").read_text()
    assert found["sources"]["nova"]["merged"] in report


@pytest.mark.full
def test_a_service_that_does_not_start_fails_the_deploy(nova, run):
    done = run("dying", "--json")
    found = record(done)
    assert (done.code, found["verdict"]) == (7, "deploy")
    assert found["cause"]["unit"] == "nova-conductor"
    assert "broken by a branch" in first_screen(found)
    assert_source(nova, found["sources"]["nova"], "dying")


@pytest.mark.full
def test_a_new_requirement_is_installed_with_it(nova, run, osci):
    done = run("requiring", "--json", "--keep", "always")
    found = record(done)
    assert (done.code, found["verdict"]) == (0, "success"), done.err
    listed = osci("ssh", found["group"], "host1", f"/opt/openstack/bin/pip show {trunk.REQUIRED}")
    assert f"Name: {trunk.REQUIRED}" in listed.out
    assert osci("delete", found["group"]).code == 0


@pytest.mark.full
def test_a_run_is_reproduced_after_the_branch_was_pushed_anew(nova, run, osci):
    nova.git("branch", "--force", "moving", "failing")
    first = record(run("moving", "--json"))
    nova.git("branch", "--force", "moving", "dying")
    nova.git("reflog", "expire", "--expire=now", "--all")
    printed = osci("reproduce", first["run"])
    assert (printed.code, printed.err) == (0, "")
    assert f"@{first['sources']['nova']['proposed']}" in printed.out
    again = osci("reproduce", first["run"], "--run", "--json")
    assert (again.code, again.json["verdict"]) == (1, "failure")
    for name in ("tree", "merged", "proposed", "trunk"):
        assert again.json["sources"]["nova"][name] == first["sources"]["nova"][name]


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [
        ("nova={url}@visble", 4, "Did you mean 'visible'?"),
        ("glance={url}@visible", 4, "nova"),
        # The waits between four attempts are half a minute.
        pytest.param("nova=git://127.0.0.1:1/nova", 3, "127.0.0.1", marks=pytest.mark.full),
        ("nava={url}", 2, "Did you mean 'nova'?"),
    ],
)
def test_a_source_that_is_not_there_ends_the_run_before_a_host_is_made(
    osci, nova, source, code, told
):
    done = osci("functional", SINGLE, "--branch", source.format(url=nova.url))
    assert done.code == code
    assert told in " ".join((done.out + done.err).split())


@pytest.mark.full
def test_it_is_said_that_trunk_deploys_where_a_branch_does_not(run):
    done = run("dying", "--suites-only", "--json", command="regression")
    assert (done.code, done.json["verdict"]) == (7, "deploy"), done.err
    assert done.json["headline"] == "The branch does not deploy, trunk does"
    assert "broken by a branch" in first_screen(done.json)
    assert (Path(done.json["run_directory"]) / "before" / "run.json").exists()


@pytest.mark.full
def test_a_trunk_that_does_not_deploy_is_not_laid_to_the_branch(nova, run):
    nova.branch("repaired", "dying", "Repair", trunk.edited("nova/cmd/conductor.py", *trunk.ALIVE))
    words = ("--trunk", f"nova={nova.url}@dying", "--suites-only", "--json")
    done = run("repaired", *words, command="regression")
    assert (done.code, done.json["verdict"]) == (7, "deploy"), done.err
    assert done.json["headline"] == "Trunk does not deploy, the branch does"
    told = "Not yours Trunk does not deploy, without the change. 'nova-conductor' on 'host1' keeps"
    assert told in report(done.json)
