# SPDX-License-Identifier: Apache-2.0
"""`osci functional --ci` in a build: the description that it leaves there."""

import time

import pytest
import speaker as said
from speaker import JOB, PAGE, Speaker, text, write_conf

PATH = f"/job/{JOB}/3/submitDescription"


@pytest.fixture
def server():
    speaker = Speaker({})
    speaker.answers["GET", "/"] = text(PAGE, X_Hudson="3.3.2")
    speaker.answers["POST", PATH] = text("", 302, Location=f"{speaker.url}job/{JOB}/3/")
    yield speaker
    speaker.close()


@pytest.fixture
def build(osci, server):
    """Run `osci functional hosts --ci` as build 3; its cache is a file, so that no host is made."""
    osci.cache.write_text("")
    conf = write_conf(osci.directory / "jobs.ini", server.url, timeout=30)
    osci.environment |= {
        "BUILD_ID": "3",
        "BUILD_NUMBER": "3",
        "BUILD_URL": "http://127.0.0.1:9/",
        "JOB_NAME": JOB,
        "OSCI_HUDSON_CONF": str(conf),
    }

    def build(*words, **environment):
        osci.environment.update(environment)
        return osci("functional", "hosts", "--run-directory", "run", *words)

    return build


def described(server) -> list[str]:
    return [fields["description"][0] for _, _, fields, _ in server.asked("POST", "^" + PATH)]


def test_a_run_is_described_by_verdict_cause_and_report(build, server):
    done = build("--ci", "--json")
    assert (done.code, done.json["verdict"]) == (3, "infrastructure"), done.err
    (description,) = described(server)
    assert description.startswith("<b>infrastructure</b> ")
    assert description.endswith(f'<a href="/job/{JOB}/3/artifact/run/report.html">report</a>')
    assert "has no description" not in done.err


def test_a_run_that_ends_at_its_check_is_described_too(build, server):
    done = build("--ci", KEEP="sometimes")
    assert done.code == 2
    assert described(server) == [
        "<b>configuration</b> KEEP: found &#x27;sometimes&#x27;, expected never, failed or always."
    ]


def test_jenkins_gets_plain_text(build, server):
    server.answers["GET", "/"] = text(PAGE, X_Jenkins="2.516")
    build("--ci", KEEP="<b>")
    assert described(server) == [
        "configuration: KEEP: found '‹b›', expected never, failed or always."
    ]


@pytest.mark.parametrize("missing", ["JOB_NAME", "BUILD_NUMBER", "OSCI_HUDSON_CONF"])
def test_what_is_no_build_or_has_no_account_is_not_described(build, server, missing):
    done = build("--ci", **{missing: ""})
    assert done.code == 3
    assert server.requests == []
    assert "description" not in done.err


def test_without_ci_nothing_is_described(build, server):
    assert build().code == 3
    assert server.requests == []


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({("GET", "/"): text("", 403)}, "refuses the account 'bob'"),
        ({("GET", "/"): said.close}, "the connection failed"),
        ({("GET", "/"): text("hello")}, "is no Hudson or Jenkins"),
        ({("GET", "/"): text("", 503)}, "the server is busy or starting (503)"),
        ({("POST", PATH): text("", 404)}, f"build 3 of the job '{JOB}'"),
        ({("POST", PATH): said.close}, "the connection failed"),
    ],
)
def test_a_server_that_takes_none_changes_nothing(build, server, answers, reason):
    server.answers |= answers
    done = build("--ci", "--json")
    assert (done.code, done.json["verdict"]) == (3, "infrastructure")
    (line,) = [line for line in done.err.splitlines() if "has no description" in line]
    assert line.startswith("osci: The build has no description: ")
    assert reason in line
    assert "s3cret" not in done.err


def test_a_silent_server_holds_nothing_up(build, server):
    server.answers["GET", "/"] = said.hang
    started = time.monotonic()
    done = build("--ci")
    assert done.code == 3
    assert "the server did not take it within 10 s." in done.err
    assert time.monotonic() - started < 60


def test_an_account_that_is_none_is_told(build, osci, server):
    write_conf(osci.directory / "jobs.ini", server.url, account=False)
    done = build("--ci")
    assert done.code == 3
    assert "has no account." in done.err
    assert server.requests == []


def test_the_account_goes_to_the_address_of_its_file_only(build, server):
    other = Speaker({})
    assert build("--ci", BUILD_URL=other.url, HUDSON_URL=other.url, JENKINS_URL=other.url).code == 3
    assert other.requests == []
    assert len(described(server)) == 1
    other.close()
