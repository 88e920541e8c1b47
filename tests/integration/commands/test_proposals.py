# SPDX-License-Identifier: Apache-2.0
"""`osci regression`: what it would do, what it refuses, and what it says without any host."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from mailserver import Mailbox
from repositories import Repository

TREE = Path(__file__).parents[3]
FORGED = "bob@example.org\nBcc: eve@example.org"


@pytest.fixture
def nova(tmp_path):
    """A trunk of nova with the branches `same`, `fix` and `conflict`."""
    repository = Repository(tmp_path / "nova")
    base = repository.git("rev-parse", "HEAD")
    for name, text in (("fix", "fixed\n"), ("conflict", "another\n")):
        repository.git("checkout", "--quiet", "-B", name, base)
        repository.commit(f"Make it {name}", {"api.py": text})
    repository.git("checkout", "--quiet", "master")
    repository.commit("Go on", {"api.py": "trunk\n", "README": "More.\n"})
    repository.git("branch", "same", "master~1")
    return repository


@pytest.fixture
def regression(osci, nova, tmp_path):
    """Run `osci regression` on a deployment of one host, with that trunk."""
    shutil.copy(TREE / "config" / "deploy" / "single.json", osci.deployments / "one.json")
    table = tmp_path / "projects.json"
    table.write_text(json.dumps({"projects": {"nova": {"url": nova.url, "branch": "master"}}}))
    osci.environment["OSCI_PROJECTS"] = str(table)

    def regression(*words: str, branch: str = ""):
        named = ("--branch", f"nova={nova.url}@{branch}") if branch else ()
        return osci("regression", "one", *named, *words)

    return regression


@pytest.fixture
def mailbox(osci):
    with closing(Mailbox()) as found:
        osci.environment |= {
            "OSCI_MAIL_HOST": "127.0.0.1",
            "OSCI_MAIL_PORT": str(found.port),
            "OSCI_MAIL_TLS": "none",
            "OSCI_MAIL_FROM": "osci@example.org",
        }
        yield found


def test_the_plan_is_told(regression, nova, mailbox):
    words = ("--dry-run", "--json", "--seed", "7", "--mail-to", "bob@EXAMPLE.org")
    found = regression(*words, branch="fix").json["plan"]
    assert found["sources"] == [f"nova={nova.url}@fix (merge)"]
    assert (found["suites"], found["pairs"], found["seed"]) == (["smoke"], 5, 7)
    assert "server-boot" in found["scenarios"]
    assert found["mail_to"] == ["bob@example.org"]


def test_a_part_can_be_asked_for(regression):
    suites = regression("--suites-only", "--dry-run", "--json", branch="fix").json["plan"]
    assert (suites["suites"], suites["scenarios"]) == (["smoke"], [])
    words = ("--stress-only", "--scenario", "token", "--as-is")
    load = regression(*words, "--dry-run", "--json", branch="fix").json["plan"]
    assert (load["suites"], load["scenarios"]) == ([], ["token"])
    assert load["sources"][0].endswith("(as-is)")


@pytest.mark.parametrize("method", [(), ("--as-is",), ("--rebase",)])
def test_a_branch_that_is_trunk_is_said_before_any_host(regression, osci, mailbox, method):
    done = regression(*method, "--json", "--mail-to", "bob@example.org", branch="same")
    assert (done.code, done.json["verdict"]) == (5, "empty"), done.err
    assert done.json["headline"].startswith("What is proposed of nova is what trunk has")
    assert not (osci.state / "groups").exists()
    (mail,) = mailbox.mails
    assert mail.message["Subject"].startswith("What is proposed of nova is what trunk has")
    assert [one["state"] for one in done.json["mail"]] == ["sent"]
    (run,) = (osci.work / "results").iterdir()
    told = (run / "report.txt").read_text()
    assert mail.message.get_body(("plain",)).get_content().replace("\r\n", "\n") == told


def test_a_conflict_is_mailed(regression, mailbox):
    done = regression("--json", "--mail-to", "bob@example.org", branch="conflict")
    assert (done.code, done.json["verdict"]) == (4, "source"), done.err
    (mail,) = mailbox.mails
    assert "api.py" in mail.message.get_body(("plain",)).get_content()


def test_who_wrote_what_is_proposed_is_mailed_where_he_may_be(regression, osci, mailbox):
    osci.environment["OSCI_MAIL_DOMAINS"] = "example.org"
    assert regression("--json", branch="same").code == 5
    (mail,) = mailbox.mails
    assert mail.recipients == ["bob@example.org"]


def test_who_may_not_be_mailed_is_not(regression, osci, mailbox):
    osci.environment["OSCI_MAIL_DOMAINS"] = "example.com"
    done = regression("--json", branch="same")
    assert (done.json["mail"], mailbox.mails) == ([], [])


def test_a_server_that_is_not_there_changes_nothing_of_the_run(regression, osci, mailbox):
    osci.environment["OSCI_MAIL_PORT"] = "9"
    done = regression("--json", "--mail-to", "bob@example.org", branch="same")
    assert (done.code, done.json["verdict"]) == (5, "empty")
    assert [one["state"] for one in done.json["mail"]] == ["waiting"]
    assert "bob@example.org: waiting" in done.err
    osci.environment["OSCI_MAIL_PORT"] = str(mailbox.port)
    assert osci("outbox", "send", "--now").code == 0
    assert len(mailbox.mails) == 1


def test_a_mail_that_is_refused_is_said_and_changes_nothing_of_the_run(regression, mailbox):
    mailbox.before = lambda step: "550 No such user here" if step == "RCPT" else None
    done = regression("--json", "--mail-to", "bob@example.org", branch="same")
    assert (done.code, done.json["verdict"]) == (5, "empty")
    assert [one["state"] for one in done.json["mail"]] == ["refused"]
    assert "550 No such user here" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--branch: there is none to hold against trunk; '--null' compares trunk with itself."),
        (("--branch", "nova=34.0.0", "--merge"), "there is no --branch that could meet trunk"),
        (("--null", "--suites-only", "--stress-only"), "not allowed with argument"),
        (("--null", "--suite", "smokey"), "has no suite 'smokey'"),
        (("--null", "--scenario", "tokne"), "tokne"),
        (("--null", "--pairs", "0"), "expected a whole number from 1 to 100"),
        (("--null", "--mail-to", FORGED), "The address of a mail: found "),
        (("--null", "--mail-to", "bob@example.org"), "mail.json"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_made(regression, osci, words, message):
    done = regression(*words)
    assert (done.code, done.out) == (2, ""), done.err
    assert message in done.err
    assert not (osci.work / "results").exists()


def test_a_suite_of_a_name_that_is_taken_is_refused(regression, osci):
    suite = {"suite": "command", "name": "stress", "command": ["true"], "junit": "x.xml"}
    document = json.loads((osci.deployments / "one.json").read_text())
    osci.write("one", **document, suites=[suite])
    done = regression("--null", "--dry-run")
    assert done.code == 2
    assert "its suite 'stress' cannot be held against trunk" in done.err


def test_parameters_of_a_job_stand_for_options(regression, osci, nova, mailbox):
    osci.environment |= {"BRANCH": "nova=gerrit:7", "MAIL_TO": "bob@example.org", "PAIRS": "3"}
    found = regression("--ci", "--dry-run", "--json").json["plan"]
    assert found["sources"] == ["nova=gerrit:7 (merge)"]
    assert (found["pairs"], found["mail_to"]) == (3, ["bob@example.org"])
    osci.environment["MAIL_TO"] = FORGED
    done = regression("--ci", "--dry-run")
    assert done.code == 2
    assert "Bcc:" in done.err
