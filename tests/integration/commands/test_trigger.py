# SPDX-License-Identifier: Apache-2.0
"""`osci trigger` against servers that speak right, wrong, or not at all."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import speaker as said
from speaker import JOB, Speaker, document, text, write_conf

RUN = Path(__file__).resolve().parents[2] / "data" / "results"
PASSWORD = "s3cret-of-bob"


def run_json(name: str) -> dict:
    return json.loads((RUN / name / "expected" / "run.json").read_text())


@pytest.fixture
def server():
    with_job = Speaker(run_json("success"))
    yield with_job
    with_job.close()


@pytest.fixture
def conf(osci, server):
    return write_conf(osci.directory / "jobs.ini", server.url)


@pytest.fixture
def trigger(osci, conf):
    """Run `osci trigger basic` on the server, and see that no secret is told."""

    def trigger(*words, deployment="basic"):
        done = osci("trigger", deployment, "--conf", str(conf), *words)
        assert PASSWORD not in done.out + done.err
        return done

    return trigger


def test_a_build_of_jenkins_is_followed_to_its_end(trigger, server):
    done = trigger("--suite", "smoke", "--suite", "reach", "--keep", "failed")
    assert done.code == 0, done.err
    url = f"{server.url}job/{JOB}/3/"
    assert done.out.splitlines() == [
        f"success: {JOB} #3",
        f"report: {url}artifact/run/report.html",
        url,
    ]
    ((_, _, fields, _),) = server.asked("POST", "buildWithParameters")
    assert fields == {"SUITES": ["smoke reach"], "KEEP": ["failed"]}
    steps = [line[10:].strip() for line in done.err.splitlines()]
    assert f"{url} on the agent 'agent1'" in steps
    assert steps.count("working") == 1
    assert "build, about 90 s …" in steps


def test_what_json_prints_is_as_the_page_says(trigger, server):
    done = trigger("--json")
    url = f"{server.url}job/{JOB}/3/"
    assert done.json == {
        "server": server.url,
        "job": JOB,
        "parameters": {"SUITES": "", "KEEP": "never"},
        "build": 3,
        "url": url,
        "queue": None,
        "agent": "agent1",
        "result": "success",
        "seconds": 1.5,
        "verdict": "success",
        "exit_code": 0,
        "cause": "",
        "report": f"{url}artifact/run/report.html",
        "proposals": {},
    }
    page = (Path(__file__).resolve().parents[3] / "docs" / "commands.md").read_text()
    section = page.partition("## osci trigger")[2].partition("\n## ")[0]
    assert [key for key in done.json if f"`{key}`" not in section] == []


@pytest.mark.parametrize("name", ["failure", "deploy", "interrupted"])
def test_it_exits_as_the_run_did(trigger, server, name):
    run = run_json(name)
    server.answers["GET", f"/job/{JOB}/3/artifact/run/run.json"] = document(run)
    done = trigger()
    assert done.code == run["exit_code"] > 0
    assert done.out.startswith(f"{run['verdict']}: {JOB} #3\n")
    assert run["cause"]["message"].splitlines()[0] in done.out


def test_nothing_is_started_by_a_dry_run(trigger, server):
    done = trigger("--dry-run", "--keep", "always", "--json")
    assert done.json == {
        "plan": {
            "job": JOB,
            "url": f"{server.url}job/{JOB}/",
            "parameters": {"SUITES": "", "KEEP": "always"},
            "last_result": "success",
            "is_building": True,
            "seconds": 90.0,
            "proposals": {},
        }
    }
    assert server.asked("POST", "") == []


def test_without_waiting_the_address_of_the_build_is_told(trigger, server):
    done = trigger("--no-wait")
    assert (done.code, done.out) == (0, f"{server.url}job/{JOB}/3/\n")
    assert server.asked("GET", "artifact") == []


def test_place_and_reason_in_the_queue_are_told(trigger, server):
    items = [
        {"id": 5, "why": "Waiting for next available executor", "task": {"name": "other"}},
        {"id": 7, "why": "In the quiet period. Expires in 4 sec", "task": {"name": JOB}},
    ]
    server.answers["GET", "/queue/api/json"] = [document({"items": items}), document({"items": []})]
    done = trigger()
    assert done.code == 0
    assert "place 2 of 2 in the queue: In the quiet period. Expires in 4 sec" in done.err


def test_a_build_that_is_taken_out_of_the_queue_is_interrupted(trigger, server):
    server.answers["GET", "/queue/item/7/api/json"] = document({"id": 7, "cancelled": True})
    done = trigger()
    assert done.code == 143
    assert done.err.endswith(f"the job '{JOB}': The build was taken out of the queue.\n")


# What is wrong with a server, what it says of it, and the exit code.
WRONG = {
    "401": ([("GET", "/", text("", 401))], "refuses the account 'bob'", 2),
    "403": ([("GET", "/", text(said.PAGE, 403))], "refuses the account 'bob'", 2),
    "403 to the POST": (
        [("POST", f"/job/{JOB}/buildWithParameters", text("", 403))],
        "refuses the account 'bob'",
        2,
    ),
    "no right to a crumb": (
        [("GET", "/crumbIssuer/api/json", text("", 403))],
        "refuses the account 'bob'",
        2,
    ),
    "a page for a crumb": (
        [("GET", "/crumbIssuer/api/json", text(said.PAGE))],
        "a page, perhaps that of a login",
        2,
    ),
    "no server of jobs": ([("GET", "/", text("hello"))], "is no Hudson or Jenkins", 2),
    "wrong path": ([("GET", "/", text("", 404))], "has no such thing (404)", 2),
    "500": ([("GET", "/", text("", 500))], "the error 500 (Internal Server Error)", 3),
    "a login": (
        [("GET", f"/job/{JOB}/api/json", text(said.PAGE, Content_Type="text/html"))],
        f"the job '{JOB}': it answers with a page, perhaps that of a login",
        2,
    ),
    "a redirect to a login": (
        [("POST", f"/job/{JOB}/buildWithParameters", text("", 302, Location="/login?from=/"))],
        "refuses the account 'bob'",
        2,
    ),
    "another address": (
        [("POST", f"/job/{JOB}/buildWithParameters", text("", 308, Location="https://ci/"))],
        "sends on to 'https://ci/'",
        2,
    ),
    "no job": ([("GET", f"/job/{JOB}/api/json", text("", 404))], f"has no job '{JOB}'", 2),
    "disabled": (
        [("GET", f"/job/{JOB}/api/json", document({"buildable": False}))],
        f"The job '{JOB}' is disabled",
        2,
    ),
    "broken JSON": ([("GET", f"/job/{JOB}/api/json", text('{"name": '))], "is no JSON", 3),
    "deep JSON": ([("GET", f"/job/{JOB}/api/json", text("[" * 100_000))], "is no JSON", 3),
    "a list": ([("GET", f"/job/{JOB}/api/json", text("[]"))], "is JSON, but no object", 3),
    "a flood": ([("GET", f"/job/{JOB}/api/json", said.flood)], "is larger than 16 MiB", 3),
    "no end": ([("GET", f"/job/{JOB}/api/json", said.go_on)], "no whole answer within 3 s", 3),
    "silence": ([("GET", f"/job/{JOB}/api/json", said.hang)], "answer", 3),
    "a closed connection": ([("GET", "/", said.close)], "the connection failed (", 3),
    "no HTTP": (
        [("GET", "/", lambda handler: handler.wfile.write(b"SSH-2.0\r\n"))],
        "the connection failed (",
        3,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_server_is_one_clear_error(trigger, server, name):
    answers, message, code = WRONG[name]
    server.answers |= {(method, path): speak for method, path, speak in answers}
    started = time.monotonic()
    done = trigger()
    assert done.code == code, done.err
    error = done.err.splitlines()[-1]
    assert error.startswith(f"osci: '{server.url}'")
    assert message in error
    assert len(done.err) < 1_000
    assert time.monotonic() - started < 60
    assert len(server.asked("POST", "build")) <= 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/", "nothing listens there (connection refused)"),
        ("http://nosuch.invalid/", "the name of the server is not known"),
    ],
)
def test_a_server_that_is_not_there_is_named(osci, url, message):
    conf = write_conf(osci.directory / "jobs.ini", url)
    done = osci("trigger", "basic", "--conf", str(conf), "--json")
    assert done.json["verdict"] == "infrastructure"
    assert done.json["error"].startswith(f"'{url}', the server: {message}")


def test_an_address_in_capitals_is_the_same(osci, server):
    url = server.url.replace("http://127.0.0.1", "HTTP://LocalHost")
    conf = write_conf(osci.directory / "jobs.ini", url)
    assert osci("trigger", "basic", "--conf", str(conf), "--dry-run").code == 0


def test_an_anonymous_user_is_told_to_have_an_account(osci, server):
    server.answers["GET", "/"] = text("", 403)
    conf = write_conf(osci.directory / "jobs.ini", server.url, account=False)
    done = osci("trigger", "basic", "--conf", str(conf))
    assert done.code == 2
    assert f"the server wants an account (403), and '{conf}' has none" in done.err


def test_a_busy_server_is_asked_again(trigger, server):
    right = server.answers["GET", f"/job/{JOB}/api/json"]
    server.answers["GET", f"/job/{JOB}/api/json"] = [text("", 503), text("", 502), right]
    assert trigger().code == 0


def test_a_server_that_wants_to_be_left_alone_is_left_alone(trigger, server):
    right = server.answers["GET", f"/job/{JOB}/api/json"]
    server.answers["GET", f"/job/{JOB}/api/json"] = [text("", 429, Retry_After="2"), right]
    started = time.monotonic()
    assert trigger("--dry-run").code == 0
    assert time.monotonic() - started > 2
    assert len(server.asked("GET", f"{JOB}/api/json")) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_post_that_is_refused_is_not_sent_again(trigger, server, status):
    server.answers["POST", f"/job/{JOB}/buildWithParameters"] = text("", status, Retry_After="1")
    done = trigger()
    assert done.code == 3
    assert f"the job '{JOB}'" in done.err
    assert len(server.asked("POST", "build")) == 1


def hear_and(server, speak, **changed):
    """Start the build, and answer the POST in another way."""

    def answer(handler):
        server.answers |= changed["answers"]
        speak(handler)

    server.answers["POST", f"/job/{JOB}/buildWithParameters"] = answer


@pytest.mark.parametrize("speak", [said.close, said.hang], ids=["closed", "silent"])
def test_a_post_whose_answer_is_lost_is_looked_for(trigger, server, speak):
    started = server.job(nextBuildNumber=4)
    hear_and(server, speak, answers={("GET", f"/job/{JOB}/api/json"): document(started)})
    done = trigger()
    assert done.code == 0, done.err
    assert done.out.endswith(f"/job/{JOB}/3/\n")
    assert len(server.asked("POST", "build")) == 1


def test_a_post_that_came_to_nothing_is_told_and_not_sent_again(trigger, server):
    server.answers["POST", f"/job/{JOB}/buildWithParameters"] = said.close
    done = trigger()
    assert done.code == 3
    assert "neither queue nor builds have it; it was not sent again" in done.err
    assert len(server.asked("POST", "build")) == 1


def test_without_a_location_the_builds_of_others_are_told_apart(trigger, server):
    """As Hudson answers, while others start the same job."""
    server.answers["GET", "/"] = text(said.PAGE, X_Hudson="3.3.2")
    builds = {
        3: server.build | {"number": 3, "actions": [{"parameters": server.parameters()}]},
        4: server.build
        | {"number": 4, "actions": [{"parameters": server.parameters(KEEP="failed")}]},
        5: server.build
        | {
            "number": 5,
            "actions": [
                {"parameters": server.parameters(KEEP="failed")},
                {"causes": [{"userId": "bob", "userName": "Bob"}]},
            ],
        },
    }
    changed = {("GET", f"/job/{JOB}/{n}/api/json"): document(one) for n, one in builds.items()}
    changed["GET", f"/job/{JOB}/api/json"] = document(server.job(nextBuildNumber=6))
    changed["GET", f"/job/{JOB}/5/artifact/run/run.json"] = document(server.run)
    hear_and(server, text("", 302, Location=f"{server.url}job/{JOB}/"), answers=changed)
    done = trigger("--keep", "failed", "--json")
    assert (done.code, done.json["build"]) == (0, 5), done.err


def test_a_build_that_starts_between_two_looks_is_not_missed(trigger, server):
    """The item is seen in the queue for the last time, and the build has started at once."""
    server.answers["GET", "/"] = text(said.PAGE, X_Hudson="3.3.2")
    item = {"id": 7, "task": {"name": JOB}, "actions": [{"parameters": server.parameters()}]}
    looks = [document({"items": [item]})] * 2 + [document({"items": []})]

    def look(handler):
        if len(looks) == 2:
            server.answers["GET", f"/job/{JOB}/api/json"] = document(server.job(nextBuildNumber=4))
        (looks.pop(0) if len(looks) > 1 else looks[0])(handler)

    server.answers["GET", "/queue/api/json"] = look
    server.answers["POST", f"/job/{JOB}/buildWithParameters"] = text("", 302)
    done = trigger("--json")
    assert (done.code, done.json["build"]) == (0, 3), done.err


def test_a_parameter_that_the_job_lacks_is_named_and_nothing_is_started(trigger, server):
    server.answers["GET", f"/job/{JOB}/api/json"] = document(server.job(property=[]))
    done = trigger("--suite", "smoke")
    assert done.code == 2
    assert "has no parameter SUITES, which --suite sets; it has: none." in done.err
    assert server.asked("POST", "") == []


def test_a_job_without_parameters_is_started(trigger, server):
    server.answers["GET", f"/job/{JOB}/api/json"] = document(server.job(property=[]))
    post = server.answers["POST", f"/job/{JOB}/buildWithParameters"]
    server.answers["POST", f"/job/{JOB}/build"] = post
    assert trigger().code == 0


def test_a_crumb_is_sent_with_the_post(trigger, server):
    crumb = {"crumb": "abc", "crumbRequestField": ".crumb"}
    server.answers["GET", "/crumbIssuer/api/json"] = document(crumb)
    assert trigger().code == 0
    ((_, _, _, headers),) = server.asked("POST", "build")
    assert headers[".crumb"] == "abc"
    assert headers["Authorization"].startswith("Basic ")


def test_credentials_stay_with_the_server_when_it_redirects(trigger, server):
    other = Speaker(server.run)
    server.answers["GET", "/"] = text("", 302, Location=other.url)
    done = trigger("--dry-run")
    assert done.code == 2
    assert (
        f"'{server.url}' sends on to '{other.url}': is that the server's own address?" in done.err
    )
    assert len(other.requests) == 1
    assert [one for one in other.requests if "Authorization" in one[3]] == []
    other.close()


# A build without a run.json that can be read, by how it ended.
@pytest.mark.parametrize(
    ("result", "verdict", "code"),
    [
        ("FAILURE", "infrastructure", 3),
        ("SUCCESS", "infrastructure", 3),
        ("NOT_BUILT", "infrastructure", 3),
        ("WHATEVER", "infrastructure", 3),
        ("ABORTED", "interrupted", 143),
    ],
)
def test_a_build_that_left_no_run_tells_how_it_ended(trigger, server, result, verdict, code):
    build = server.build | {"result": result, "artifacts": []}
    server.answers["GET", f"/job/{JOB}/3/api/json"] = document(build)
    server.log = b"".join(b"line %d \x1b]0;x\x07\n" % number for number in range(50))
    done = trigger("--json")
    assert (done.code, done.json["verdict"], done.json["report"]) == (code, verdict, None)
    assert ("line 49" in done.json["cause"]) == (verdict == "infrastructure")
    assert "line 40" not in done.json["cause"]
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize(
    "speak",
    [
        text("{}"),
        text("no JSON"),
        text("[" * 100_000),
        text("", 404),
        document({**run_json("success"), "verdict": "splendid"}),
        document({**run_json("success"), "exit_code": 7}),
    ],
)
def test_a_run_that_cannot_be_read_is_trouble_and_no_verdict(trigger, server, speak):
    server.answers["GET", f"/job/{JOB}/3/artifact/run/run.json"] = speak
    done = trigger("--json")
    assert (done.code, done.json["verdict"]) == (3, "infrastructure"), done.err
    assert "run.json" in done.json["cause"] or "record" in done.json["cause"]


def test_a_stranger_s_text_does_no_harm_to_a_terminal(trigger, server):
    evil = "\x1b[2J\u202eevil"
    item = {"id": 7, "why": evil, "task": {"name": JOB}}
    server.answers["GET", "/queue/api/json"] = [
        document({"items": [item]}),
        document({"items": []}),
    ]
    server.answers["GET", f"/job/{JOB}/3/api/json"] = document(server.build | {"builtOn": evil})
    run = server.run | {"verdict": "failure", "exit_code": 1}
    run["cause"] = {name: evil for name in ("phase", "host", "unit", "line", "file", "message")}
    server.answers["GET", f"/job/{JOB}/3/artifact/run/run.json"] = document(run)
    server.log = evil.encode() + b"\n"
    done = trigger()
    assert done.code == 1
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out + done.err
    assert r"\x1b[2J\u202eevil" in done.out


def test_control_characters_in_json_are_taken_as_hudson_leaves_them(trigger, server):
    server.answers["GET", "/queue/api/json"] = text(b'{"items": [], "why": "\x01\n"}')
    done = trigger()
    assert done.code == 0, done.err


def test_a_log_without_an_end_is_left_out_but_for_its_beginning(trigger, server):
    server.log = b"x" * 100 + b"\n" + b"y" * (4 << 20)
    done = trigger()
    assert done.code == 0
    assert "bytes of the log left out" in done.err
    assert len(done.err) < 10_000


def wait_for(process: subprocess.Popen, words: str) -> str:
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"it ended before it said {words!r}: {seen}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_following_only(osci, server, conf, number, code):
    going_on = server.build | {"building": True, "result": None}
    server.answers["GET", f"/job/{JOB}/3/api/json"] = document(going_on)
    process = subprocess.Popen(
        [sys.executable, "-m", "osci_jobs", "trigger", "basic", "--conf", str(conf)],
        cwd=osci.work,
        env=osci.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, "on the agent")
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (code, "")
    assert err.endswith(
        f"osci: Interrupted. Build 3 goes on without being followed: {server.url}job/{JOB}/3/\n"
    )
    assert server.asked("POST", "stop") == []


def test_a_server_that_goes_away_for_a_while_is_waited_for(trigger, server):
    right = document(server.build)
    away = [said.close, *[text("", 503)] * 6, right]
    server.answers["GET", f"/job/{JOB}/3/api/json"] = away
    done = trigger()
    assert done.code == 0, done.err
    assert "waiting for the server: " in done.err


@pytest.fixture
def certificate(tmp_path):
    """A certificate of nobody's for this machine."""
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True,
        capture_output=True,
    )
    return paths


def test_a_certificate_is_checked_and_an_authority_can_be_named(osci, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = Speaker(run_json("success"), context)
    conf = write_conf(osci.directory / "jobs.ini", server.url)
    osci.environment.pop("REQUESTS_CA_BUNDLE", None)
    done = osci("trigger", "basic", "--conf", str(conf))
    assert done.code == 3
    assert "its certificate or its TLS cannot be trusted (self-signed certificate)" in done.err
    osci.environment["REQUESTS_CA_BUNDLE"] = str(certificate[0])
    assert osci("trigger", "basic", "--conf", str(conf)).code == 0
    server.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--suite", "a b"], "--suite: found 'a b', expected the name of one suite."),
        (["--suite", ""], "--suite: found '', expected the name of one suite."),
    ],
)
def test_what_a_parameter_cannot_hold_is_refused(trigger, server, words, message):
    done = trigger(*words)
    assert (done.code, done.err) == (2, f"osci: {message}\n")
    assert server.requests == []


@pytest.mark.parametrize("name", ["../../x", "a/b", "a?b", "\x1b[31m", "-x y"])
def test_what_is_no_name_of_a_deployment_is_refused(trigger, server, name):
    done = trigger(deployment=name)
    assert done.code == 2
    assert "\x1b" not in done.err
    assert server.requests == []


def test_a_password_that_others_may_read_is_warned_of_once(trigger, conf):
    conf.chmod(0o644)
    done = trigger("--dry-run")
    assert done.code == 0
    assert done.err == f"osci: '{conf}' holds a password, and others may read it: chmod 600.\n"


def test_the_password_is_in_no_list_of_processes(osci, server, conf):
    server.answers["GET", "/"] = said.hang
    process = subprocess.Popen(
        [sys.executable, "-m", "osci_jobs", "trigger", "basic", "--conf", str(conf)],
        cwd=osci.work,
        env=osci.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 10
    while not server.requests and time.monotonic() < until:
        time.sleep(0.05)
    for name in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    process.kill()
    process.wait()


def test_without_a_file_it_is_said_where_one_may_be(osci):
    assert not os.path.exists("/etc/jenkins_jobs/jenkins_jobs.ini")
    done = osci("trigger", "basic")
    assert done.code == 2
    assert "OSCI_HUDSON_CONF" in done.err
    assert f"{osci.directory}/.config/jenkins_jobs/jenkins_jobs.ini" in done.err


@pytest.mark.parametrize("place", ["option", "environment", "home"])
def test_the_file_is_found_where_jenkins_jobs_finds_it(osci, server, place):
    path = osci.directory / ".config" / "jenkins_jobs" / "jenkins_jobs.ini"
    path.parent.mkdir(parents=True)
    write_conf(path, server.url)
    words = ["--conf", str(path)] if place == "option" else []
    if place == "environment":
        path = path.rename(osci.directory / "other.ini")
        osci.environment["OSCI_HUDSON_CONF"] = str(path)
    assert osci("trigger", "basic", "--dry-run", *words).code == 0
