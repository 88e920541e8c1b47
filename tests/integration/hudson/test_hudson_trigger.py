# SPDX-License-Identifier: Apache-2.0
"""`osci trigger` on a real Hudson."""

import signal

import pytest

from osci_jobs.hudson import build, outcome
from osci_jobs.hudson import trigger as triggers
from osci_jobs.hudson.following import Follower

pytestmark = pytest.mark.full


def test_a_build_is_followed_from_the_queue_to_its_report(trigger, make_job, leave_run, hudson):
    name = make_job(f'{leave_run("success")}echo "SUITES is $SUITES, KEEP is $KEEP"')
    done = trigger(name, "--suite", "smoke", "--suite", "reach", "--keep", "failed")
    assert done.code == 0, done.err
    url = f"{hudson.url}job/osci-functional-{name}/1/"
    assert done.out.splitlines() == [
        f"success: osci-functional-{name} #1",
        f"report: {url}artifact/run/report.html",
        url,
    ]
    assert "place 1 of " in done.err
    assert f"{url} on " in done.err
    assert "SUITES is smoke reach, KEEP is failed" in done.err


@pytest.mark.parametrize(
    ("run", "code"), [("failure", 1), ("deploy", 7), ("interrupted", 143), ("killed", 130)]
)
def test_it_exits_as_the_run_did(trigger, make_job, leave_run, run, code):
    done = trigger(make_job(leave_run(run)), "--json")
    assert (done.code, done.json["exit_code"], done.json["result"]) == (code, code, "success")
    assert done.json["cause"]


def test_a_build_without_a_run_is_trouble_with_the_end_of_its_log(trigger, make_job):
    done = trigger(make_job("echo the disk is full; exit 1"), "--json")
    assert (done.code, done.json["verdict"], done.json["report"]) == (3, "infrastructure", None)
    assert "The build ended as 'failure', and it left no run.json." in done.json["cause"]
    assert "the disk is full" in done.json["cause"]


def test_an_aborted_build_is_interrupted(start, make_job, hudson, server):
    name = make_job("sleep 300")
    process = start("trigger", name, "--conf", str(hudson.conf))
    wait_for(process, "+ sleep 300")
    server.post(f"job/osci-functional-{name}/1/stop", "the build")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert out.startswith(f"interrupted: osci-functional-{name} #1\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_the_build_alone(start, make_job, hudson, server, number, code):
    name = make_job("sleep 6")
    process = start("trigger", name, "--conf", str(hudson.conf))
    wait_for(process, "+ sleep 6")
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    url = f"{hudson.url}job/osci-functional-{name}/1/"
    assert process.returncode == code
    assert err.endswith(f"Build 1 goes on without being followed: {url}\n")
    assert build.build(server, f"osci-functional-{name}", 1).is_building


def test_each_finds_its_own_build_when_several_start_the_job_at_once(start, make_job, hudson):
    """Those with the same parameters share one, as Hudson folds them."""
    name = make_job("sleep 1; echo KEEP is $KEEP")
    keeps = ["never", "failed", "always", "failed"]
    processes = [
        start("trigger", name, "--keep", keep, "--conf", str(hudson.conf)) for keep in keeps
    ]
    ends = [process.communicate(timeout=120) for process in processes]
    addresses = [out.splitlines()[-1] for out, _ in ends]
    for keep, (_, err) in zip(keeps, ends, strict=True):
        assert [line for line in err.splitlines() if line.endswith(f"KEEP is {keep}")], err
    assert len(set(addresses)) == 3
    assert addresses[1] == addresses[3]


def test_a_build_that_starts_while_the_same_one_goes_on_is_another(start, make_job, hudson):
    name = make_job("sleep 12")
    first = start("trigger", name, "--conf", str(hudson.conf))
    wait_for(first, "+ sleep 12")
    second = start("trigger", name, "--conf", str(hudson.conf))
    wait_for(second, "Build #1 is already in progress")
    assert first.communicate(timeout=60)[0].endswith("/1/\n")
    assert second.communicate(timeout=60)[0].endswith("/2/\n")


def test_a_build_taken_out_of_the_queue_is_interrupted(start, make_job, hudson, server):
    name = make_job("true")
    process = start("trigger", name, "--conf", str(hudson.conf))
    wait_for(process, "in the queue")
    jobs = [item["task"]["name"] for item in server.get("queue/api/json", "the queue")["items"]]
    place = jobs.index(f"osci-functional-{name}")
    server.post(f"queue/items/{place}/cancelQueue", "the queue")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert err.endswith("The build was taken out of the queue.\n")


def test_without_waiting_the_address_is_told(trigger, make_job, hudson):
    name = make_job("sleep 5")
    done = trigger(name, "--no-wait")
    assert (done.code, done.out) == (0, f"{hudson.url}job/osci-functional-{name}/1/\n")


def test_a_dry_run_starts_nothing(trigger, make_job, server):
    name = make_job("true")
    assert trigger(name, "--dry-run").code == 0
    job = build.job(server, f"osci-functional-{name}")
    assert (job.next_number, job.last) == (1, "not built")
    assert [one for one in build.queue(server) if one.job == job.name] == []


def test_a_parameter_that_the_job_lacks_is_named(trigger, make_job):
    done = trigger(make_job("true", KEEP="never"), "--suite", "smoke")
    assert done.code == 2
    assert "has no parameter SUITES, which --suite sets; it has: KEEP." in done.err


def test_a_job_that_is_disabled_is_named(trigger, make_job):
    name = make_job("true", disabled=True)
    done = trigger(name)
    assert done.code == 2
    assert f"The job 'osci-functional-{name}' is disabled." in done.err


def test_a_wrong_password_is_told_without_it(start, hudson, tmp_path):
    wrong = tmp_path / "wrong.ini"
    wrong.write_text(
        f"[jenkins]\nurl = {hudson.url}\nuser = admin\npassword = not-this-one\ntimeout = 30\n"
    )
    wrong.chmod(0o600)
    process = start("trigger", "basic", "--conf", str(wrong))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"the server refuses the account 'admin' of '{wrong}' (403)" in err
    assert "not-this-one" not in err


def test_a_stranger_s_log_does_no_harm_to_a_terminal(trigger, make_job):
    done = trigger(make_job(r"printf '\033[2J\342\200\256x\n'; exit 1"))
    assert done.code == 3
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out + done.err


def test_the_estimate_is_by_the_builds_before(server, make_job, trigger, leave_run):
    name = make_job(f"{leave_run('success')}sleep 2")
    assert trigger(name).code == 0
    job = build.job(server, f"osci-functional-{name}")
    assert (job.last, job.is_building) == ("success", False)
    assert 2 <= job.seconds < 20


def test_a_build_can_be_followed_by_a_program(server, make_job, leave_run):
    name = make_job(leave_run("success"))
    events = []
    job = triggers.find_job(server, triggers.job_name("functional", name))
    follower = Follower(server, triggers.start(server, job, {"KEEP": "always"}), events.append)
    assert follower.await_start() is None
    ended, console = follower.await_end()
    found = outcome.find(server, job.name, ended, console.last)
    assert (found.verdict, ended.parameters["KEEP"]) == ("success", "always")
    assert [one["phase"] for one in events if one["event"] == "phase_ended"] == ["queue", "build"]
    assert console.last[-1] == "Finished: SUCCESS"


def wait_for(process, words: str) -> None:
    """Read what a command says until it says this."""
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return
    pytest.fail(f"it ended before it said {words!r}: {seen}")
