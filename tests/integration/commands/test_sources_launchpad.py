# SPDX-License-Identifier: Apache-2.0
"""What Launchpad says of a branch: a real client, a real web service, and ones that lie."""

import importlib.resources
import json
import socket
import time
import urllib.request
from dataclasses import replace

import launchpad as harness
import pytest
import speaker
from lxml import etree

from osci_jobs.deployment import notation, projects
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.sources import launchpad
from osci_jobs.sources.attempts import Patience

TRUNK, SPIFFY, OLD = "~core/nova/trunk", "~bob/nova/spiffy", "~core/nova/essex"
BAZAAR = "bzr://127.0.0.1:9/"
PAGES = "https://code.launchpad.test/"
COMMITS = {name: digit * 40 for name, digit in (("master", "1"), ("stable", "2"), ("spiffy", "3"))}
TABLE = {
    "projects": {
        "nova": {"vcs": "Bazaar", "focus": TRUNK},
        "glance": {"vcs": "Git"},
        "swift": {"focus": "~core/swift/none"},
    },
    "repositories": {
        "~core/glance/+git/glance": {
            "url": "http://git.launchpad.test/glance",
            "default_of": ["project", "owner"],
            "refs": {name: COMMITS[name] for name in ("master", "stable")},
        },
        "~bob/glance/+git/mine": {
            "url": "http://git.launchpad.test/~bob/glance",
            "default_of": ["owner"],
            "refs": {"spiffy": COMMITS["spiffy"]},
        },
    },
    "proposals": [
        {"source": SPIFFY, "target": OLD, "date": "2026-01-01T00:00:00+00:00"},
        {"source": SPIFFY, "target": TRUNK, "date": "2026-01-02T00:00:00+00:00"},
        {"source": SPIFFY, "target": OLD, "date": "2026-01-03", "status": "Merged"},
        {"source": "~bob/nova/done", "target": OLD, "date": "2026-01-03", "status": "Merged"},
        {"source": OLD, "target": SPIFFY, "date": "2026-01-04T00:00:00+00:00"},
        {
            "source": "~bob/glance:spiffy",
            "target": "glance:stable",
            "date": "2026-01-05T00:00:00+00:00",
            "status": "Work in progress",
        },
    ],
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The URL of a Launchpad with TABLE."""
    directory = tmp_path_factory.mktemp("launchpad") / "branches"
    directory.mkdir()
    names = (TRUNK, SPIFFY, OLD, "~bob/nova/done", "~bob/nova/alone", "~bob/+junk/x")
    harness.make_branches(directory, *({"branch": name} for name in names))
    with harness.serve(directory, **TABLE) as url:
        yield url


@pytest.fixture
def find(tmp_path, monkeypatch, request):
    """Find a source on a server, with a home in which nothing may appear."""
    for name in ("HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("tempfile.tempdir", None)

    def find(text: str, server: str = "", **more):
        table = replace(
            projects.load(),
            bazaar=BAZAAR,
            launchpad=server or request.getfixturevalue("service"),
        )
        source = notation.parse("nova", text)
        patience = Patience(**{"seconds": 30, "say": lambda _: None, "waits": (), **more})
        return launchpad.find(table, source, patience)

    yield find
    assert list((tmp_path / "HOME").iterdir()) == []
    assert list((tmp_path / "TMPDIR").iterdir()) == []


def test_a_proposed_branch_goes_into_the_target_of_its_newest_open_proposal(find):
    place = find(f"lp:{SPIFFY}")
    assert (place.vcs, place.url, place.ref) == ("bazaar", BAZAAR + SPIFFY, "")
    assert (place.trunk_url, place.trunk_branch) == (BAZAAR + TRUNK, "")
    assert place.details == {
        "branch_url": PAGES + SPIFFY,
        "proposal_status": "Needs review",
        "proposal_target": "lp:nova",
        "proposal_url": f"{PAGES}{SPIFFY}/+merge/2",
    }


@pytest.mark.parametrize("branch", ("~bob/nova/alone", "~bob/nova/done"))
def test_a_branch_without_an_open_proposal_goes_into_the_focus_of_its_project(find, branch):
    place = find(f"lp:{branch}")
    assert place.trunk_url == BAZAAR + TRUNK
    assert place.details == {"branch_url": PAGES + branch}


def test_a_branch_of_no_project_has_no_trunk(find):
    assert find("lp:~bob/+junk/x").trunk_url == ""


def test_a_project_means_its_focus(find):
    place = find("lp:nova")
    assert (place.url, place.trunk_url) == (BAZAAR + TRUNK, BAZAAR + TRUNK)


@pytest.mark.parametrize("name", ("~bob/glance:spiffy", "~bob/glance/+git/mine:spiffy"))
def test_a_git_branch_is_a_ref_of_its_repository(find, name):
    place = find(f"lp:{name}@{COMMITS['spiffy']}")
    assert place.vcs == "git"
    assert (place.url, place.ref) == ("http://git.launchpad.test/~bob/glance", "refs/heads/spiffy")
    assert place.commit == COMMITS["spiffy"]
    assert (place.trunk_url, place.trunk_branch) == ("http://git.launchpad.test/glance", "stable")
    assert place.details["proposal_status"] == "Work in progress"
    assert place.details["proposal_target"] == "lp:glance:stable"


@pytest.mark.parametrize(("name", "branch"), (("glance", "master"), ("glance:stable", "stable")))
def test_a_git_branch_without_a_proposal_has_the_projects_own_trunk(find, name, branch):
    place = find(f"lp:{name}")
    assert (place.url, place.ref) == ("http://git.launchpad.test/glance", f"refs/heads/{branch}")
    assert (place.trunk_url, place.trunk_branch) == ("", "")


@pytest.mark.parametrize(
    ("name", "words"),
    (
        ("~bob/nova/none", "has no branch 'lp:~bob/nova/none' that everybody may see"),
        ("glance:none", "has no branch 'lp:glance:none'"),
        ("swift", "has no branch 'lp:swift'"),
        ("~bob/none/x", "has no project 'none' for 'lp:~bob/none/x'"),
        ("none", "has no project 'none' for 'lp:none'"),
        ("~none/glance:x", "has no branch"),
    ),
)
def test_what_is_not_there_is_the_sources_fault(find, name, words):
    with pytest.raises(SourceError, match=words):
        find(f"lp:{name}")


def test_nothing_is_served_that_launchpad_does_not_have(service):
    request = urllib.request.Request(
        f"{service}devel/", headers={"Accept": "application/vnd.sun.wadl+xml"}
    )
    with urllib.request.urlopen(request) as answer:
        ours = shape(answer.read())
    wadl = importlib.resources.files("launchpadlib") / "testing/launchpad-wadl.xml"
    # That is version 1.0; by lp.code.interfaces these are in "devel" only.
    newer = {
        ("git_repositories", "getByPath", "path"),
        ("git_repository", "getRefByPath", "path"),
        ("git_ref", "getMergeProposals", "status"),
    }
    assert ours - shape(wadl.read_bytes()) == newer
    assert ("branch-full", "", "landing_targets_collection_link") in ours
    assert len(ours) > 60


def shape(wadl: bytes) -> set[tuple[str, str, str]]:
    """Return what a service has: each parameter of an operation, each value of a thing."""
    namespace = "{http://research.sun.com/wadl/2006/10}"
    root = etree.fromstring(wadl)
    found = set()
    for kind in root.iter(f"{namespace}resource_type"):
        for method in kind.iter(f"{namespace}method"):
            names = {one.get("name"): one.get("fixed") for one in method.iter(f"{namespace}param")}
            operation = names.pop("ws.op", None)
            found |= {(kind.get("id"), operation, name) for name in names if operation}
    for thing in root.iter(f"{namespace}representation"):
        if (thing.get("id") or "").endswith("-full"):
            values = thing.iter(f"{namespace}param")
            found |= {(thing.get("id"), "", one.get("name")) for one in values}
    return found


@pytest.fixture
def other():
    """A server that is no Launchpad, and says what it is told to."""
    server = speaker.Speaker({})
    server.answers.clear()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    (
        (speaker.hang, "no whole answer within 1 s"),
        (speaker.go_on, "no whole answer within 1 s"),
        (speaker.close, "cannot be asked: "),
        (speaker.text("<html>Log in"), "cannot be asked: "),
        (speaker.text("[1"), "cannot be asked: "),
        (speaker.text("nothing", 404), "does not greet as Launchpad does .404"),
        (speaker.text("busy", 503), "does not greet as Launchpad does .503"),
    ),
    ids=("silent", "slow", "closed", "a page", "no WADL", "404", "503"),
)
def test_a_server_that_is_no_launchpad_is_not_laid_to_the_branch(find, other, answer, words):
    other.answers["GET", "/devel/"] = answer
    with pytest.raises(InfrastructureError, match=words):
        find("lp:nova", server=other.url, seconds=1)


def test_it_is_asked_four_times_and_ever_later(find, other):
    other.answers["GET", "/devel/"] = speaker.text("busy", 503)
    said: list[str] = []
    begin = time.monotonic()
    with pytest.raises(InfrastructureError, match="asked 4 times"):
        find("lp:nova", server=other.url, waits=(0.1, 0.2, 0.3), say=said.append)
    assert 0.6 < time.monotonic() - begin < 10
    assert len(other.asked("GET", "/devel/")) == 4
    assert [line.rpartition(" again in ")[2] for line in said[1:]] == ["0.1 s.", "0.2 s.", "0.3 s."]


def test_it_may_answer_at_the_second_time(find, other, service):
    def pass_on(handler):
        accept = {"Accept": handler.headers["Accept"]}
        request = urllib.request.Request(service.rstrip("/") + handler.path, headers=accept)
        with urllib.request.urlopen(request) as answer:
            content = answer.read().replace(service.encode(), other.url.encode())
            handler.say(200, content, Content_Type=answer.headers["Content-Type"])

    other.answer = lambda method, path: busy.pop() if busy else pass_on
    busy = [speaker.text("busy", 502), speaker.close]
    assert find("lp:nova", server=other.url, waits=(0, 0, 0)).url == BAZAAR + TRUNK


def test_nobody_there_is_not_laid_to_the_branch(find):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(InfrastructureError, match="Connection refused"):
            find("lp:nova", server=f"http://127.0.0.1:{unused.getsockname()[1]}/")


@pytest.fixture
def liar(other, service):
    """A Launchpad whose words about branches are changed on the way."""

    def lie(change, path: str = "/devel/branches"):
        def pass_on(handler):
            accept = {"Accept": handler.headers["Accept"]}
            request = urllib.request.Request(service.rstrip("/") + handler.path, headers=accept)
            with urllib.request.urlopen(request) as answer:
                content = answer.read().replace(service.encode(), other.url.encode())
                kind = answer.headers["Content-Type"]
            if handler.path.split("?")[0] == path and "ws.op" in handler.path:
                content = json.dumps(change(json.loads(content))).encode()
            handler.say(200, content, Content_Type=kind)

        other.answer = lambda method, where: pass_on
        return other.url

    return lie


@pytest.mark.parametrize(
    "name", ("../../x", "~bob/nova/--x", "~bob/nova/a\nb", "file:///etc", 7, None, ["~bob/n/x"])
)
def test_a_strange_name_of_a_branch_is_none(find, liar, name):
    server = liar(lambda branch: {**branch, "unique_name": name})
    with pytest.raises(InfrastructureError, match="says what makes no sense"):
        find(f"lp:{SPIFFY}", server=server)


@pytest.mark.parametrize("url", ("file:///etc", "ext::sh -c true", "--upload-pack=x", None, 7))
def test_a_strange_url_of_a_repository_is_none(find, liar, url):
    server = liar(lambda one: {**one, "git_https_url": url}, "/devel/git_repositories")
    with pytest.raises(InfrastructureError, match="says what makes no sense"):
        find("lp:glance", server=server)


@pytest.mark.parametrize("answer", ([], "x", 7, {}, {"self_link": 3}))
def test_an_answer_of_another_kind_is_none(find, liar, answer):
    with pytest.raises(InfrastructureError, match="cannot be asked|makes no sense"):
        find("lp:nova", server=liar(lambda _: answer))


def test_a_page_that_is_no_url_is_left_out(find, liar):
    server = liar(lambda branch: {**branch, "web_link": "javascript:alert(1)"})
    assert "branch_url" not in find("lp:nova", server=server).details
