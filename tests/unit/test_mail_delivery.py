# SPDX-License-Identifier: Apache-2.0
"""When mails are tried, put off and given up; the server is a port where nobody listens."""

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from osci_jobs import mail
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import Letter, Settings, outbox
from osci_jobs.mail.delivery import PATIENCE, free_at, send_due
from osci_jobs.mail.settings import Limits

NOW = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "outbox"


@pytest.fixture
def settings():
    """Settings whose port is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        yield Settings("127.0.0.1", port, "none", "osci@example.org", seconds=10)


def post(directory, settings, result="run-1", address="bob@example.org"):
    mail.post(directory, settings, Letter(result, "s", "t", "h"), [address], NOW)


def send(directory, settings, now, **more):
    return send_due(settings, directory, lambda: now, lambda _: None, **more)


def only(directory):
    (one,), _ = outbox.load(directory)
    return one


def test_waits_grow_until_it_is_given_up_after_a_day(directory, settings):
    post(directory, settings)
    now, waits = NOW + 3 * HOUR, []
    while True:
        (outcome,) = send(directory, settings, now)
        if outcome.state == "expired":
            break
        assert outcome.state == "waiting"
        one = only(directory)
        waits.append(one.next_attempt - now)
        assert send(directory, settings, one.next_attempt - timedelta(seconds=1)) == []
        now = one.next_attempt
    assert waits[:5] == [minutes * MINUTE for minutes in (1, 2, 5, 15, 30)]
    assert set(waits[5:]) == {HOUR}
    assert PATIENCE <= now - (NOW + 3 * HOUR) < PATIENCE + HOUR
    one = only(directory)
    assert (one.state, one.settled, one.message, outcome.next_attempt) == ("expired", now, "", "")
    assert "Connection refused" in one.attempts[-1].reply
    assert send(directory, settings, now + HOUR, is_early=True) == []


def test_a_mail_that_nobody_sent_for_days_is_tried(directory, settings):
    post(directory, settings)
    (outcome,) = send(directory, settings, NOW + timedelta(days=9))
    assert outcome.state == "waiting"


def test_what_is_not_due_is_tried_when_that_is_asked_for(directory, settings):
    post(directory, settings)
    send(directory, settings, NOW)
    assert send(directory, settings, NOW) == []
    assert len(send(directory, settings, NOW, is_early=True)) == 1
    assert len(only(directory).attempts) == 2


def test_a_server_that_is_away_is_asked_once_for_all(directory, settings):
    for result in ("run-1", "run-2", "run-3"):
        post(directory, settings, result)
    said = []
    outcomes = send_due(settings, directory, lambda: NOW, said.append)
    assert [one.state for one in outcomes] == ["waiting"] * 3
    assert len({one.reply for one in outcomes}) == 1
    assert len(said) == 3
    assert "bob@example.org: waiting: '127.0.0.1:" in said[0]


def test_what_may_have_arrived_is_tried_again_and_says_so(directory, settings):
    post(directory, settings)
    outbox.save(directory, replace(only(directory), handed_over=NOW))
    send(directory, settings, NOW + MINUTE)
    one = only(directory)
    assert one.handed_over is None
    assert [attempt.at for attempt in one.attempts] == [NOW, NOW + MINUTE]
    assert "before the server's answer was known" in one.attempts[0].reply


def test_without_an_outbox_there_is_nothing_to_do(directory, settings):
    assert send(directory, settings, NOW) == []
    assert not directory.exists()


def test_a_password_that_is_not_there_leaves_all_as_it_is(directory, settings):
    post(directory, settings)
    before = only(directory)
    wrong = replace(settings, user="bob", password_file="/nowhere")
    with pytest.raises(ConfigurationError, match="/nowhere"):
        send(directory, wrong, NOW)
    assert only(directory) == before


def test_authorities_that_are_none_leave_all_as_it_is(directory, settings):
    post(directory, settings)
    before = only(directory)
    with pytest.raises(ConfigurationError, match="'/nowhere', which 'ca_file' names"):
        send(directory, replace(settings, tls="tls", ca_file="/nowhere"), NOW)
    assert only(directory) == before


@pytest.mark.parametrize(
    ("minutes", "addresses", "limits", "expected"),
    [
        ([], "", Limits(1, 1), 0),
        ([10], "b", Limits(1, 9), 50),
        ([10], "c", Limits(1, 9), 0),
        ([10, 30], "bb", Limits(2, 9), 30),
        ([10, 20, 30], "bbb", Limits(2, 9), 40),
        ([10, 20, 30], "bbb", Limits(4, 9), 0),
        ([10, 30], "cc", Limits(9, 2), 30),
        ([5, 30, 40], "bcc", Limits(1, 3), 55),
        ([30, 5, 40], "bcc", Limits(1, 2), 30),
        ([60, 61], "bb", Limits(1, 1), 0),
        ([-10], "b", Limits(1, 1), 0),
    ],
)
def test_limits_say_when_there_is_room(minutes, addresses, limits, expected):
    """`minutes` are how long ago mails to the addresses were sent."""
    sent = [
        (NOW - ago * MINUTE, f"{one.upper()}@example.org")
        for ago, one in zip(minutes, addresses, strict=True)
    ]
    assert free_at(limits, sent, "b@Example.org", NOW) == NOW + expected * MINUTE


def test_a_mail_beyond_a_limit_is_put_off_and_not_tried(directory, settings):
    post(directory, settings, "run-1")
    outbox.save(directory, only(directory).ended("sent", NOW, "accepted"))
    post(directory, settings, "run-2")
    post(directory, settings, "run-3", "eve@example.org")
    narrow = replace(settings, limits=Limits(address_hour=1, hour=5))
    bob, eve = sorted(send(directory, narrow, NOW + MINUTE), key=lambda one: one.address)
    assert (bob.state, bob.next_attempt) == ("waiting", "2026-11-23T10:35:44.000Z")
    assert "1 an hour to an address" in bob.reply
    assert "Connection refused" in eve.reply
    waiting = [one for one in outbox.load(directory)[0] if one.result == "run-2"]
    assert waiting[0].attempts == ()
