# SPDX-License-Identifier: Apache-2.0
"""Changes of servers that speak as Gerrit does, in some other way, or not at all."""

import json
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import speaker as said
from speaker import Speaker, text

from osci_jobs.deployment import notation
from osci_jobs.deployment.projects import Project
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.sources import gerrit
from osci_jobs.sources.attempts import Patience

NOVA = Project(name="nova", package="nova", url="git@example.org:fork/vino.git", branch="master")
FIRST, SECOND, TENTH = (digit * 40 for digit in "12a")
ASKED = ("GET", "/changes/")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


def revision(number: object, subject: str = "Count hosts") -> dict:
    return {"_number": number, "commit": {"subject": subject}}


def change(**more: object) -> dict:
    """Return a change as Gerrit describes it, with what is to be different."""
    return {
        "_number": 12345,
        "project": "openstack/nova",
        "branch": "master",
        "status": "NEW",
        "subject": "Count all hosts",
        "owner": {"_account_id": 1, "name": "Bob", "username": "bob"},
        "revisions": {TENTH: revision(10), FIRST: revision(1), SECOND: revision(2)},
        **more,
    }


def answer(document: object):
    """Say this as Gerrit does."""
    return text(b")]}'\n" + json.dumps(document).encode(), Content_Type="application/json")


@pytest.fixture(scope="module")
def speaker():
    one = Speaker({})
    yield one
    one.close()


@pytest.fixture
def server(speaker, monkeypatch):
    """A server with one change, which this machine reaches without a proxy."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    speaker.requests.clear()
    speaker.answers = {ASKED: answer([change()])}
    return speaker


@pytest.fixture
def told():
    return []


@pytest.fixture
def find(server, told):
    """Find a change on the server, or on another one."""

    def find(ref: str = "12345", url: str = "", seconds: float = 20, waits=(0, 0, 0)):
        source = notation.parse("nova", f"gerrit:{ref}")
        patience = Patience(seconds, told.append, waits)
        return gerrit.find(url or server.url, source, NOVA, patience)

    return find


def test_the_newest_patch_set_has_the_highest_number(find, server, told):
    place = find()
    assert (place.url, place.ref) == (
        f"{server.url}openstack/nova",
        "refs/changes/45/12345/10",
    )
    assert place.details == {
        "number": "12345",
        "patch_set": "10",
        "revision": TENTH,
        "subject": "Count hosts",
        "owner": "Bob",
        "status": "NEW",
        "topic": "",
        "branch": "master",
        "repository": "openstack/nova",
        "change_url": f"{server.url}c/openstack/nova/+/12345/10",
    }
    assert told == []


def test_nothing_of_this_machine_is_told_to_the_server(find, server):
    paths = []

    def speak(handler):
        paths.append(handler.path)
        answer([change()])(handler)

    server.answers[ASKED] = speak
    find("12345/2")
    options = "&o=ALL_REVISIONS&o=ALL_COMMITS&o=DETAILED_ACCOUNTS"
    assert paths == [f"/changes/?q=change:12345{options}"]
    ((_, _, _, headers),) = server.requests
    assert set(headers) == {"Accept", "Accept-Encoding", "Connection", "Host", "User-Agent"}
    assert headers["User-Agent"] == "osci"


@pytest.mark.parametrize("url", ["{}review", "{}review/"])
def test_a_server_may_be_below_a_path(find, server, url):
    server.answers["GET", "/review/changes/"] = answer([change(_number=7)])
    place = find("7", url.format(server.url))
    assert (place.url, place.ref) == (
        f"{server.url}review/openstack/nova",
        "refs/changes/07/7/10",
    )


def test_numbers_may_be_texts(find, server):
    older = change(_number="12345", revisions={FIRST: revision("1"), SECOND: revision("2")})
    server.answers[ASKED] = answer([older])
    assert find().details["revision"] == SECOND


@pytest.mark.parametrize("repository", ["nova", "a/b/nova", "nova.git", "openstack/vino"])
def test_a_project_is_known_by_the_end_of_its_name(find, server, repository):
    server.answers[ASKED] = answer([change(project=repository)])
    assert find().url == server.url + repository


@pytest.mark.parametrize(
    "repository", ["openstack/glance", "nova/glance", "novae", "", "no\x1b[1m"]
)
def test_a_change_of_another_project_is_refused(find, server, repository):
    server.answers[ASKED] = answer([change(project=repository)])
    with pytest.raises(SourceError, match="The change 12345 is of '") as caught:
        find()
    assert str(caught.value).isprintable()


def test_the_address_of_a_repository_is_never_the_servers_choice(find, server):
    elsewhere = {"http": {"url": "ext::sh -c x", "ref": "refs/heads/x"}}
    described = revision(1) | {"fetch": elsewhere, "ref": "--upload-pack=x"}
    server.answers[ASKED] = answer(
        [change(project="a?b#c d/../nova", revisions={FIRST: described})]
    )
    place = find()
    assert (place.url, place.ref) == (
        f"{server.url}a%3Fb%23c%20d/../nova",
        "refs/changes/45/12345/1",
    )


def test_texts_that_no_file_can_hold_are_mended(find, server):
    server.answers[ASKED] = text(
        json.dumps([change(topic="a\ud800b", owner={"name": "x" * 5_000})]), 200
    )
    details = find().details
    assert details["topic"] == "a?b"
    assert len(details["owner"]) == 1_000


def test_what_was_there_before_patch_sets_is_listed_shortly(find, server):
    many = {f"{number:040x}": revision(number) for number in range(1, 400)}
    server.answers[ASKED] = answer([change(revisions=many)])
    with pytest.raises(SourceError, match="has no patch set '400', expected '1', '2'") as caught:
        find("12345/400")
    assert len(str(caught.value)) < 300


# What a server says where Gerrit has a change, and what is said of it.
STRANGE = {
    "an object": ({"a": 1}, "found an object, expected a list of changes"),
    "a text": ("nothing", 'found "nothing", expected a list of changes'),
    "no object in it": ([7], "found 7, expected a change"),
    "another change": ([change(_number=9)], "found the change 9, expected 12345"),
    "no number": ([change(_number=None)], "found null, expected '_number' to be a number"),
    "true for a number": ([change(_number=True)], "found true, expected '_number'"),
    "a fraction": ([change(_number=12345.0)], "found 12345.0, expected '_number'"),
    "no project": ([change(project=None)], "found null, expected 'project' to be a text"),
    "a list of projects": ([change(project=["nova"])], "found a list of 1, expected 'project'"),
    "no branch": ([change(branch=None)], "found null, expected 'branch' to be a text"),
    "an option for a branch": (
        [change(branch="--upload-pack=x")],
        'found "--upload-pack=x", expected the name of a branch',
    ),
    "a number for a topic": ([change(topic=7)], "found 7, expected 'topic' to be a text"),
    "a text for an owner": ([change(owner="Bob")], 'found "Bob", expected an owner'),
    "no revisions": ([change(revisions=None)], "found null, expected the revisions"),
    "not one revision": ([change(revisions={})], "found no patch set, expected at least one"),
    "no commit": (
        [change(revisions={"current": revision(1)})],
        'found the revision "current", expected a commit',
    ),
    "a list for a revision": (
        [change(revisions={FIRST: []})],
        "found an empty list, expected a revision",
    ),
    "an edit": (
        [change(revisions={FIRST: revision("edit")})],
        "found \"edit\", expected '_number' to be a number",
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_no_gerrit_says_is_shown_with_what_was_expected(find, server, name):
    document, message = STRANGE[name]
    server.answers[ASKED] = answer(document)
    with pytest.raises(InfrastructureError) as caught:
        find()
    assert str(caught.value).startswith(f"'{server.url}' speaks as no Gerrit does: {message}")
    assert len(server.requests) == 1


def test_a_change_that_is_not_there_is_the_sources_trouble(find, server):
    server.answers[ASKED] = answer([])
    with pytest.raises(SourceError, match="has no change 12345, or does not show it"):
        find()


def redirect(url: str):
    return text("", 302, Location=url)


# What is wrong with a server, what is said of it, and how often it is asked.
WRONG = {
    "401": (text("", 401), "wants an account (401), and osci asks without one.", 1),
    "403": (text(said.PAGE, 403), "wants an account (403), and osci asks without one.", 1),
    "404": (text("", 404), "answers with the error 404; is it the server that is meant?", 1),
    "429": (text("", 429), "answers with the error 429.", 4),
    "500": (text("", 500), "answers with the error 500.", 4),
    "503": (text(said.PAGE, 503), "answers with the error 503.", 4),
    "a page": (text(said.PAGE), "answers with a page; is it the server that is meant?", 4),
    "a text": (text("hello"), "does not answer in JSON; is it the server that is meant?", 4),
    "nothing": (text(""), "does not answer in JSON; is it the server that is meant?", 4),
    "half an answer": (text(")]}'\n[{"), "does not answer in JSON;", 4),
    "deep JSON": (text("[" * 100_000), "does not answer in JSON;", 4),
    "long number": (text("1" * 10_000), "does not answer in JSON;", 4),
    "a flood": (said.flood, "answers more than 4 MiB.", 1),
    "closing": (said.close, "cannot be reached, or breaks off (", 4),
    "no HTTP": (
        lambda handler: handler.wfile.write(b"SSH-2.0\x1b[1m\r\n"),
        "cannot be reached, or breaks off (SSH-2.0\\x1b[1m",
        4,
    ),
    "a circle": (redirect("/changes/"), "redirects without an end, or to what is no", 1),
    "a file": (redirect("file:///etc/passwd"), "redirects without an end, or to what is no", 1),
    "another scheme": (redirect("ftp://127.0.0.1/x"), "(unknown url type: ftp)", 4),
    "no address": (redirect("http://a..b/"), "cannot be reached, or breaks off (", 4),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_server_is_one_clear_error(find, server, told, name):
    server.answers[ASKED], message, times = WRONG[name]
    with pytest.raises(InfrastructureError) as caught:
        find()
    error = str(caught.value)
    assert error.startswith(f"'{server.url}changes/' ")
    assert message in error
    assert error.isprintable()
    sentence = str(error).removesuffix(f" It was asked {times} times.")
    assert told == [f"{sentence} It is asked again in 0 s."] * (times - 1)
    if name != "a circle":
        assert len(server.requests) == times


@pytest.mark.parametrize("speak", [said.hang, said.go_on], ids=["silence", "drops"])
def test_a_server_that_does_not_come_to_an_end_is_left(find, server, told, speak):
    server.answers[ASKED] = speak
    started = time.monotonic()
    with pytest.raises(InfrastructureError, match="gives no whole answer within 0.5 s"):
        find(seconds=0.5, waits=(0.1, 0.2))
    assert 1.8 < time.monotonic() - started < 60
    assert [line.rpartition(" in ")[2] for line in told] == ["0.1 s.", "0.2 s."]


def test_headers_that_drop_in_one_by_one_are_left_too(find, server):
    def drop(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(900):
            handler.wfile.write(b"X: x\r\n")
            time.sleep(0.1)

    server.answers[ASKED] = drop
    started = time.monotonic()
    with pytest.raises(InfrastructureError, match="gives no whole answer within 0.5 s"):
        find(seconds=0.5, waits=())
    assert time.monotonic() - started < 30


def test_a_server_that_recovers_is_waited_for(find, server, told):
    server.answers[ASKED] = [text("", 502), text("", 503), answer([change()])]
    assert find(waits=(0.1, 0.2, 60)).ref == "refs/changes/45/12345/10"
    assert told == [
        f"'{server.url}changes/' answers with the error 502. It is asked again in 0.1 s.",
        f"'{server.url}changes/' answers with the error 503. It is asked again in 0.2 s.",
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/", "cannot be reached, or breaks off (Connection refused)."),
        ("http://nosuch.invalid/", "is not a name that is known ("),
    ],
)
def test_a_server_that_is_not_there_is_named(find, told, url, message):
    with pytest.raises(InfrastructureError) as caught:
        find(url=url)
    assert str(caught.value).startswith(f"'{url}changes/' {message}")
    assert len(told) == 3


def test_a_redirect_to_the_server_itself_is_followed(find, server):
    server.answers["GET", "/r/changes/"] = redirect(f"{server.url}changes/")
    assert find(url=f"{server.url}r/").url == f"{server.url}r/openstack/nova"


def test_the_proxy_of_the_environment_is_used(find, server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    assert find(url="http://gerrit.invalid/").url == "http://gerrit.invalid/openstack/nova"
    monkeypatch.setenv("no_proxy", "gerrit.invalid")
    with pytest.raises(InfrastructureError, match="is not a name that is known"):
        find(url="http://gerrit.invalid/")


@pytest.fixture
def certificate(tmp_path) -> Path:
    """A certificate of nobody's for this machine, with its key."""
    path = tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-out", str(path), "-keyout", str(tmp_path / "key.pem")],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "key.pem").read_text())
    return path


@pytest.fixture
def trusted(server, certificate):
    """A server that only those believe who know its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    one = Speaker({}, context)
    one.answers = server.answers
    yield one
    one.close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_can_be_named(find, trusted, certificate, monkeypatch, variable, told):
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InfrastructureError) as caught:
        find(url=trusted.url)
    assert str(caught.value) == (
        f"'{trusted.url}changes/' has a certificate that cannot be trusted (self-signed "
        "certificate); REQUESTS_CA_BUNDLE names a file of authorities that can."
    )
    assert told == []
    monkeypatch.setenv(variable, str(certificate))
    assert find(url=trusted.url).url == f"{trusted.url}openstack/nova"


def test_a_file_of_authorities_that_is_not_there_is_named(find, server, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nosuch.pem")
    with pytest.raises(InfrastructureError) as caught:
        find()
    assert str(caught.value) == (
        "'/nosuch.pem', which REQUESTS_CA_BUNDLE names, is no file of certificates "
        "(No such file or directory)."
    )
