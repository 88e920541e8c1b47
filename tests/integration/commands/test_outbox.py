# SPDX-License-Identifier: Apache-2.0
"""Mails from the outbox to a mail server, over TCP, and what goes wrong on the way."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mailserver
import pytest
from killing import KILLED, Killer
from mailserver import PASSWORD, STEPS, USER, Mailbox, Rude

from osci_jobs import mail
from osci_jobs.mail import outbox, record, settings

KILLS = 100


class Mailer:
    """osci with an outbox, and the environment that says how mail goes out."""

    def __init__(self, osci):
        self.osci = osci
        self.directory = osci.state / outbox.DIRECTORY
        self.use(0, OSCI_MAIL_FROM="osci@example.org")

    def __call__(self, *words: str):
        return self.osci("outbox", *words)

    def use(self, port: int, tls: str = "none", seconds: float = 20, **more: str):
        """Send to this port from now on."""
        self.osci.environment |= {
            "OSCI_MAIL_HOST": "127.0.0.1",
            "OSCI_MAIL_PORT": str(port or 9),
            "OSCI_MAIL_TLS": tls,
            "OSCI_MAIL_SECONDS": str(seconds),
            **more,
        }

    def post(self, result="run-1", *addresses: str, text="text\n", html="<p>html</p>\n"):
        """Put mails in; return their keys."""
        found = settings.find(None, self.osci.environment, Path("/nowhere"))
        letter = mail.Letter(result, f"On {result}", text, html)
        now = datetime.now(UTC)
        return mail.post(self.directory, found, letter, addresses or ["bob@example.org"], now)

    def start(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "osci_jobs", "outbox", *words],
            env=self.osci.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def records(self):
        records, damaged = outbox.load(self.directory)
        assert damaged == []
        return records

    @property
    def only(self):
        (one,) = self.records
        return one


@pytest.fixture
def mailer(osci):
    return Mailer(osci)


@pytest.fixture
def mailbox(mailer):
    with closing(Mailbox()) as found:
        mailer.use(found.port)
        yield found


@pytest.fixture
def rude(mailer):
    """Make a server with these answers, and send to it."""
    made = []

    def make(seconds=20, **answers):
        made.append(Rude(**answers))
        mailer.use(made[-1].port, seconds=seconds)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificate")
    return mailserver.make_certificate(directory, "DNS:localhost,IP:127.0.0.1")


def test_a_mail_arrives_with_text_and_html(mailer, mailbox):
    text, html = "slöwer\n.\n..\nFrom here\n" + "x" * 3000 + "\n", "<p>slöwer</p>\n"
    (key,) = mailer.post(text=text, html=html)
    done = mailer("send", "--json")
    assert (done.code, done.json["waiting"]) == (0, 0)
    assert [(one["key"], one["state"]) for one in done.json["mails"]] == [(key, "sent")]
    (found,) = mailbox.mails
    assert (found.sender, found.recipients) == ("osci@example.org", ["bob@example.org"])
    assert found.message["Subject"] == "On run-1"
    parts = [part.get_content().replace("\r\n", "\n") for part in found.message.iter_parts()]
    assert parts == [text, html]
    assert (mailer.only.state, mailer.only.message) == ("sent", "")


def test_a_mail_is_sent_once_however_often_it_is_posted(mailer, mailbox):
    for _ in range(3):
        mailer.post()
        assert mailer("send", "--now").code == 0
    assert len(mailbox.mails) == 1


def test_several_at_once_send_each_mail_once(mailer, mailbox):
    for number in range(6):
        mailer.post(f"run-{number}")
    commands = [mailer.start("send") for _ in range(4)]
    assert [command.wait(120) for command in commands] == [0] * 4
    for command in commands:
        command.communicate()
    assert Counter(one.id for one in mailbox.mails) == {one.id: 1 for one in mailbox.mails}
    assert len(mailbox.mails) == 6


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_a_mail_crosses_by_tls(mailer, certificate, tls):
    path, context = certificate
    with closing(Mailbox(context, tls)) as mailbox:
        mailer.use(mailbox.port, tls, OSCI_MAIL_CA_FILE=str(path), OSCI_MAIL_HOST="localhost")
        mailer.post()
        done = mailer("send")
        assert (done.code, len(mailbox.mails)) == (0, 1), done.err


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_stops_all(mailer, certificate, tls):
    with closing(Mailbox(certificate[1], tls)) as mailbox:
        mailer.use(mailbox.port, tls)
        mailer.post()
        before = mailer.only
        done = mailer("send")
        assert (done.code, mailbox.mails) == (2, [])
        assert "has a certificate that cannot be trusted (self-signed certificate)" in done.err
        assert "'ca_file' names a file" in done.err
        assert mailer.only == before


def test_a_certificate_of_another_host_stops_all(mailer, tmp_path):
    path, context = mailserver.make_certificate(tmp_path, "DNS:mail.example.org")
    with closing(Mailbox(context, "tls")) as mailbox:
        mailer.use(mailbox.port, "tls", OSCI_MAIL_CA_FILE=str(path))
        mailer.post()
        done = mailer("send")
        assert (done.code, mailbox.mails) == (2, [])
        assert "IP address mismatch" in done.err


def test_without_starttls_nothing_crosses_in_the_clear(mailer, mailbox):
    mailer.use(mailbox.port, "starttls")
    mailer.post()
    done = mailer("send", "--json")
    assert (done.code, done.json["verdict"], mailbox.mails) == (2, "configuration", [])
    assert "offers no STARTTLS, and nothing is sent in the clear" in done.json["error"]
    assert mailer.only.attempts == ()


def test_a_server_that_speaks_no_tls_stops_all(mailer, rude):
    server = rude()
    mailer.use(server.port, "tls")
    mailer.post()
    done = mailer("send")
    assert done.code == 2
    assert "does not speak TLS as osci does" in done.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (mailserver.hang, "the beginning of TLS: there is no whole answer within 1 s"),
        (mailserver.close, "the beginning of TLS: it cannot be reached, or broke off"),
    ],
)
def test_trouble_with_the_beginning_of_tls_may_pass(mailer, rude, answer, words):
    mailer.use(rude(greeting=answer).port, "tls", seconds=1)
    mailer.post()
    assert mailer("send").code == 3
    assert words in mailer.only.attempts[0].reply


@pytest.mark.parametrize(("answer", "code"), [(b"454 later\r\n", 3), (b"501 no\r\n", 2)])
def test_starttls_that_is_offered_and_not_given_stops_the_mail(mailer, rude, answer, code):
    server = rude(STAR=answer)
    server.offers = b"250-STARTTLS\r\n"
    mailer.use(server.port, "starttls")
    mailer.post()
    done = mailer("send")
    assert (done.code, server.mails, "MAIL" in server.seen) == (code, [], False)
    assert "STARTTLS" in done.err


def processes() -> str:
    """Return the command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            pass
    return "\n".join(found)


@pytest.fixture
def account(mailer, tmp_path):
    """Have a password in a file, or printed by a program."""

    def have(source: str, password: str = PASSWORD):
        path = tmp_path / "password"
        path.write_text(f"{password}\n")
        path.chmod(0o600)
        value = {"file": str(path), "helper": f"cat {path}"}[source]
        mailer.osci.environment |= {
            "OSCI_MAIL_USER": USER,
            f"OSCI_MAIL_PASSWORD_{source.upper()}": value,
        }
        return path

    return have


@pytest.mark.parametrize("source", ["file", "helper"])
@pytest.mark.parametrize("tls", ["none", "tls", "starttls"])
def test_a_password_is_seen_by_the_server_alone(mailer, account, certificate, source, tls):
    account(source)
    seen = []
    with closing(Mailbox(certificate[1], tls)) as mailbox:
        mailbox.before = lambda _: seen.append(processes())
        mailer.use(mailbox.port, tls, OSCI_MAIL_CA_FILE=str(certificate[0]))
        mailer.post()
        done = mailer("send", "--json")
        assert (done.code, len(mailbox.mails)) == (0, 1), done.out + done.err
        assert mailbox.logins == [(USER.encode(), PASSWORD.encode())]
        files = [path.read_text() for path in mailer.directory.iterdir()]
        texts = [*seen, *files, done.out, done.err, mailer("list", "--all", "--json").out]
        assert len(seen) == 3
        assert not [text for text in texts if PASSWORD in text]


def test_a_password_that_is_wrong_keeps_the_mail(mailer, account, mailbox):
    account("file", "wr0ng")
    mailer.post()
    done = mailer("send")
    assert (done.code, mailbox.mails) == (2, [])
    assert f"refuses the account '{USER}' (535)" in done.err
    assert "wr0ng" not in done.err
    assert mailer.only.attempts == ()


def test_a_server_that_repeats_the_password_does_not_get_it_into_a_log(mailer, account, rude):
    account("file")
    said = f"550 {PASSWORD} is your password\r\n".encode()
    server = rude(AUTH=b"235 OK\r\n", RCPT=said)
    server.offers = b"250-AUTH PLAIN\r\n"
    mailer.post()
    done = mailer("send")
    assert "550 *** is your password" in done.err
    assert PASSWORD not in "".join(path.read_text() for path in mailer.directory.iterdir())


def test_a_password_that_others_may_read_is_warned_of(mailer, account, mailbox):
    account("file").chmod(0o644)
    mailer.post()
    done = mailer("send")
    assert done.code == 0
    assert "others may read it: chmod 600" in done.err


def test_a_server_without_accounts_keeps_the_mail(mailer, account, rude):
    account("file")
    rude()
    mailer.post()
    done = mailer("send")
    assert done.code == 2
    assert "lets nobody log in here" in done.err


@pytest.mark.parametrize(
    ("answer", "code"), [(b"454 later\r\n", 3), (b"334 !!!\r\n", 3), (b"hello\r\n", 3)]
)
def test_trouble_with_logging_in_may_pass(mailer, account, rude, answer, code):
    account("file")
    server = rude(AUTH=answer)
    server.offers = b"250-AUTH PLAIN LOGIN\r\n"
    mailer.post()
    done = mailer("send")
    assert done.code == code
    assert "AUTH" in mailer.only.attempts[0].reply


@pytest.mark.parametrize("step", STEPS)
def test_temporary_trouble_passes_and_the_mail_arrives(mailer, rude, step):
    server = rude(**{step: [b"451 busy \x1b[31m\xff\r\n", right(step)]})
    mailer.post()
    done = mailer("send", "--json")
    assert (done.code, server.mails) == (3, [])
    (told,) = done.json["mails"]
    assert told["state"] == "waiting"
    assert r"451 busy \x1b[31m" in told["reply"]
    assert told["next_attempt"] > record.moment(datetime.now(UTC))
    assert mailer("send").code == 0  # it is not due
    assert server.mails == []
    done = mailer("send", "--now")
    assert (done.code, len(server.mails), mailer.only.state) == (0, 1, "sent"), done.err


def right(step: str) -> bytes:
    """Return what a server says that takes a mail."""
    return {"greeting": b"220 hello\r\n", "DATA": b"354 go on\r\n"}.get(step, b"250 OK\r\n")


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "."])
def test_a_mail_that_is_refused_is_told(mailer, rude, step):
    server = rude(**{step: b"550-5.1.1 no\r\n550 such user\x07\r\n"})
    mailer.post()
    done = mailer("send", "--json")
    assert (done.code, server.mails) == (3, [])
    (told,) = done.json["mails"]
    assert (told["state"], told["next_attempt"]) == ("refused", "")
    assert r"550 5.1.1 no\nsuch user\x07" in told["reply"]
    assert mailer.only.message == ""
    assert mailer("send", "--now").code == 0
    assert "refused" in mailer("list").out


@pytest.mark.parametrize("step", ["greeting", "EHLO"])
def test_a_server_that_wants_nothing_of_us_keeps_the_mail(mailer, rude, step):
    rude(**{step: b"554 go away\r\n"})
    mailer.post()
    done = mailer("send")
    assert done.code == 2
    assert "'554 go away'" in done.err
    assert (mailer.only.state, mailer.only.attempts) == ("waiting", ())


def test_a_server_that_wants_an_account_keeps_the_mail(mailer, rude):
    rude(MAIL=b"530 5.7.0 log in first\r\n")
    mailer.post()
    assert mailer("send").code == 2
    assert mailer.only.state == "waiting"


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_breaks_off_is_tried_again(mailer, rude, step):
    server = rude(**{step: [mailserver.close, right(step)]})
    mailer.post()
    done = mailer("send")
    assert done.code == 3
    assert "broke off" in mailer.only.attempts[0].reply
    assert mailer("send", "--now").code == 0
    assert (len(server.mails), mailer.only.state) == (1, "sent")


def test_a_mail_that_may_have_arrived_is_sent_again_as_it_was(mailer, rude):
    server = rude(**{".": [mailserver.close, b"250 OK\r\n"]})
    mailer.post()
    assert mailer("send").code == 3
    assert mailer("send", "--now").code == 0
    assert len(server.received) == 2
    assert server.received[0] == server.received[1]


def test_nobody_listening_is_tried_again(mailer):
    mailer.post()
    done = mailer("send")
    assert done.code == 3
    assert "Connection refused" in done.err
    assert mailer.only.state == "waiting"


def test_a_name_that_nobody_knows_is_tried_again(mailer):
    mailer.use(25, seconds=3, OSCI_MAIL_HOST="nowhere.invalid")
    mailer.post()
    done = mailer("send")
    assert done.code == 3
    assert "'nowhere.invalid:25', the lookup of its name: " in mailer.only.attempts[0].reply


NONSENSE = {
    "words": b"hello there\r\n",
    "nothing": b"\r\n",
    "no number": b"2x0 OK\r\n",
    "another number": b"100 OK\r\n",
    "a large number": b"999 OK\r\n",
    "half a line": mailserver.close,
    "bytes": bytes(range(256)) + b"\r\n",
    "a web page": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a reply without an end": mailserver.flood,
    "a line without an end": mailserver.flood_line,
    "a long line": b"250 " + b"x" * 20_000 + b"\r\n",
}


@pytest.mark.parametrize("step", ["greeting", "RCPT", "."])
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_trouble_that_may_pass(mailer, rude, step, answer):
    rude(**{step: answer})
    mailer.post()
    done = mailer("send")
    assert done.code == 3
    (attempt,) = mailer.only.attempts
    words = "broke off" if answer is mailserver.close else "what it says is (no|too long for) SMTP"
    assert re.search(words, attempt.reply)
    assert attempt.reply.isprintable()


@pytest.mark.parametrize("step", ["greeting", "EHLO", "RCPT", "."])
@pytest.mark.parametrize("answer", [mailserver.hang, mailserver.drip, mailserver.drip_lines])
def test_a_slow_server_does_not_hold_it(mailer, rude, step, answer):
    rude(seconds=1, **{step: answer})
    mailer.post()
    done = mailer("send")
    assert done.code == 3
    assert "there is no whole answer within 1 s" in mailer.only.attempts[0].reply


def test_a_server_that_does_not_read_does_not_hold_it(mailer, rude):
    def read_nothing(connection):
        connection.sendall(b"354 go on\r\n")
        mailserver.hang(connection)

    rude(seconds=1, DATA=read_nothing)
    mailer.post(text="x" * (5 << 20))
    assert mailer("send").code == 3
    assert ", the mail: there is no whole answer within 1 s" in mailer.only.attempts[0].reply


def test_one_mail_that_is_refused_does_not_stop_the_others(mailer, rude):
    rude(RCPT=[b"550 no\r\n", b"450 later\r\n", b"250 OK\r\n"])
    for number in range(3):
        mailer.post(f"run-{number}")
    assert mailer("send").code == 3
    assert [one.state for one in mailer.records] == ["refused", "waiting", "sent"]


def test_limits_put_off_and_drop_nothing(mailer, mailbox):
    mailer.use(mailbox.port, OSCI_MAIL_LIMITS_ADDRESS_HOUR="2", OSCI_MAIL_LIMITS_HOUR="3")
    for number in range(3):
        mailer.post(f"run-{number}", "bob@example.org", "eve@example.org")
    done = mailer("send", "--json")
    assert (done.code, done.json["waiting"], len(mailbox.mails)) == (3, 3, 3)
    assert (
        "are the limit" in [one for one in done.json["mails"] if one["state"] != "sent"][0]["reply"]
    )
    assert max(Counter(str(one.recipients) for one in mailbox.mails).values()) == 2


def test_a_damaged_mail_is_told_and_stops_no_other(mailer, mailbox):
    (key,) = mailer.post("run-1")
    mailer.post("run-2")
    (mailer.directory / f"{key}.json").write_text("{")
    done = mailer("send", "--json")
    assert (done.code, len(mailbox.mails)) == (3, 1)
    assert done.json["damaged"] == [{"file": f"{key}.json", "reason": "it is no JSON"}]
    assert f"The mail in '{key}.json' is damaged" in done.err
    assert mailer("drop", key[:8]).code == 0
    assert mailer("send").code == 0


def test_the_list_has_what_was_not_sent(mailer, rude):
    rude(RCPT=[b"250 OK\r\n", b"550 no \x1b[2J\r\n", b"450 later\r\n"])
    for number in range(3):
        mailer.post(f"run-{number}")
    mailer("send")
    states = [one["state"] for one in mailer("list", "--json").json["mails"]]
    assert states == ["refused", "waiting"]
    found = mailer("list", "--all", "--json")
    assert found.code == 0
    assert [one["state"] for one in found.json["mails"]] == ["sent", "refused", "waiting"]
    assert all("message" not in one for one in found.json["mails"])
    text = mailer().out
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert r"550 no \x1b[2J" in text


def test_an_outbox_that_is_not_there_is_empty(mailer):
    assert mailer("list", "--json").json == {"damaged": [], "mails": []}
    assert (mailer().out, mailer("send").code) == ("", 0)
    assert not mailer.directory.exists()


def test_a_dry_run_changes_nothing(mailer, mailbox):
    (key,) = mailer.post()
    before = {path.name: path.read_bytes() for path in mailer.directory.iterdir()}
    assert mailer("send", "--dry-run", "--json").json == {"would_send": [key]}
    assert mailer("drop", "--all", "--dry-run", "--json").json == {"would_drop": [key]}
    assert f"would send {key}" in mailer("send", "--dry-run").out
    assert before == {path.name: path.read_bytes() for path in mailer.directory.iterdir()}
    assert mailbox.mails == []


def test_what_was_not_sent_can_be_dropped(mailer, mailbox):
    mailer.post("run-1")
    mailer("send")
    keys = [mailer.post(f"run-{number}")[0] for number in (2, 3, 4)]
    assert mailer("drop", keys[0][:10], keys[0], "--json").json == {"dropped": [keys[0]]}
    assert mailer("drop", "--all").out.split()[1::2] == keys[1:]
    assert [one.state for one in mailer.records] == ["sent"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("drop",), "Expected keys, or '--all'"),
        (("drop", "abc", "--all"), "Expected keys, or '--all'"),
        (("drop", "zz"), "'zz' is no mail that was not sent"),
        (("list", "abc"), "'KEY' is for 'osci outbox drop' alone"),
        (("send", "--all"), "'--all' is for 'osci outbox list and drop' alone"),
        (("list", "--now"), "'--now' is for 'osci outbox send' alone"),
        (("drop", "--all", "--wait"), "'--wait' is for"),
        (("list", "--dry-run"), "'--dry-run' is for"),
        (("post",), "invalid choice"),
    ],
)
def test_words_that_do_not_go_together_are_told(mailer, words, message):
    done = mailer(*words)
    assert done.code == 2
    assert message in done.err


def test_without_settings_it_is_said_where_they_are_looked_for(mailer):
    for name in list(mailer.osci.environment):
        if name.startswith("OSCI_MAIL_"):
            del mailer.osci.environment[name]
    done = mailer("send")
    assert done.code == 2
    assert f"{mailer.osci.directory}/.config/osci/mail.json" in done.err


def test_the_file_of_the_option_goes_before_that_of_the_environment(mailer, mailbox, tmp_path):
    for name in list(mailer.osci.environment):
        if name.startswith("OSCI_MAIL_"):
            del mailer.osci.environment[name]
    conf = tmp_path / "mail.json"
    of = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none", "from": "ci@example.org"}
    conf.write_text(json.dumps(of))
    mailer.osci.environment["OSCI_MAIL_CONF"] = str(conf)
    assert mailer("send", "--mail-conf", "/nowhere").code == 2
    assert mailer("send").code == 0


def test_waiting_goes_on_until_nothing_waits(mailer, mailbox):
    mailer.post("run-1")
    mailer.post("run-2")
    one, other = mailer.records
    outbox.save(
        mailer.directory, replace(one, next_attempt=datetime.now(UTC) + timedelta(seconds=4))
    )
    done = mailer("send", "--wait", "--json")
    assert (done.code, done.json["waiting"]) == (0, 0)
    assert [found.id for found in mailbox.mails] == [
        f"<{key}@example.org>" for key in (other.key, one.key)
    ]


@pytest.mark.parametrize("step", ["greeting", "EHLO", "RCPT", "DATA"])
def test_an_interrupt_ends_it_at_once_and_loses_nothing(mailer, rude, step):
    reached = threading.Event()

    def hang(connection):
        reached.set()
        mailserver.hang(connection)

    rude(seconds=600, **{step: hang})
    mailer.post()
    before = mailer.only
    command = mailer.start("send")
    assert reached.wait(60)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 130, err
    assert "Traceback" not in err
    assert mailer.only == before


def test_an_interrupt_ends_waiting(mailer, mailbox):
    mailer.post("run-1")
    later = datetime.now(UTC) + timedelta(hours=1)
    outbox.save(mailer.directory, replace(mailer.only, next_attempt=later))
    mailer.post("run-2")
    command = mailer.start("send", "--wait")
    wait_for(lambda: "sent" in [one.state for one in mailer.records])
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 130, err
    assert [one.state for one in mailer.records] == ["waiting", "sent"]


def wait_for(condition):
    end = datetime.now(UTC) + timedelta(seconds=60)
    while not condition():
        assert datetime.now(UTC) < end
        threading.Event().wait(0.05)


def test_an_interrupt_while_the_server_decides_waits_for_its_answer(mailer, rude):
    def interrupt(connection):
        command.send_signal(signal.SIGTERM)
        threading.Event().wait(0.5)

    server = rude(**{".": interrupt})
    mailer.post("run-1")
    mailer.post("run-2")
    command = mailer.start("send")
    _, err = command.communicate(timeout=60)
    assert command.returncode == 143, err
    assert [one.state for one in mailer.records] == ["sent", "waiting"]
    assert len(server.mails) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_each_command_loses_nothing(mailer, rude, step):
    def kill(connection):
        command.kill()
        command.wait()

    server = rude(**{step: [kill, right(step)]})
    (key,) = mailer.post()
    command = mailer.start("send")
    command.communicate(timeout=60)
    assert command.returncode == KILLED
    is_in_window = mailer.only.handed_over is not None
    done = mailer("send")
    assert (done.code, mailer.only.state) == (0, "sent"), done.err
    assert is_in_window == (step == ".")
    assert len(server.mails) == 1 + is_in_window
    assert len(set(server.mails)) == 1
    assert f"Message-ID: <{key}@example.org>".encode() in server.mails[0]


def test_the_outbox_survives_a_hundred_kills_between_any_two_steps(mailer, mailbox, tmp_path):
    """Each kill is of a command with two mails, and followed by one that nobody disturbs."""
    killed, windows = 0, 0
    addresses = ("bob@example.org", "eve@example.org")

    def sending(name, kill_at=0):
        """Carry out `osci outbox send`; return its exit code and its steps."""
        words = ("outbox", "send", "--state-dir", str(tmp_path / name))
        return killer.run("main", *words, kill_at=kill_at)

    with Killer(mailer.osci.environment) as killer:
        mailer.directory = tmp_path / "whole" / outbox.DIRECTORY
        mailer.post("whole", *addresses)
        code, steps = sending("whole")
        assert code == 0
        for number in range(KILLS):
            name = f"run-{number}"
            mailer.directory = tmp_path / name / outbox.DIRECTORY
            keys = mailer.post(name, *addresses)
            killed += sending(name, 1 + number * steps // KILLS)[0] == KILLED
            in_window = {one.key for one in mailer.records if one.handed_over}
            windows += len(in_window)
            assert sending(name)[0] == 0
            assert {one.state for one in mailer.records} == {"sent"}
            copies = Counter(found.id for found in mailbox.mails)
            for key in keys:
                assert copies[f"<{key}@example.org>"] in ((1, 2) if key in in_window else (1,))
    print(f"{killed} kills at {steps} steps, {windows} while the server was to answer")
    print(f"{len(mailbox.mails)} copies of {len(mailbox.kept)} mails")
    assert len(mailbox.kept) == 2 * (KILLS + 1)
    assert killed > 0.9 * KILLS  # how many pieces a reply comes in varies
    assert windows
