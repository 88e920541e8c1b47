# SPDX-License-Identifier: Apache-2.0
"""The outbox on disk: what is put in, read back, damaged, and pruned."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy

import pytest
from killing import KILLED, Killer

from osci_jobs import mail
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.mail import Letter, Settings, outbox, record
from osci_jobs.mail.record import Attempt
from osci_jobs.results import files

NOW = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)
SETTINGS = Settings("mail.example.org", 587, "starttls", "osci@example.org")
LETTER = Letter("run-1", "It got\nslower", "slower", "<p>slower</p>")
# Those that `Killer` finds in the environment.
VARIABLES = {"OSCI_MAIL_HOST": "mail.example.org", "OSCI_MAIL_FROM": "osci@example.org"}


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state" / "outbox"


def post(directory, *addresses, letter=LETTER, now=NOW):
    return mail.post(directory, SETTINGS, letter, addresses or ("bob@example.org",), now)


def load(directory):
    """Return the records, where no file is damaged."""
    records, damaged = outbox.load(directory)
    assert damaged == []
    return records


def test_a_mail_that_is_put_in_waits(directory):
    keys = post(directory, "bob@example.org", "Eve@Example.org")
    bob, eve = sorted(load(directory), key=lambda one: one.address, reverse=True)
    assert {bob.key, eve.key} == set(keys)
    assert keys[0] == record.key_of("run-1", "bob@example.org")
    one = bob if bob.address == "bob@example.org" else eve
    assert (one.result, one.subject, one.state) == ("run-1", r"It got\nslower", "waiting")
    assert (one.created, one.next_attempt, one.attempts) == (NOW, NOW, ())
    content = message_from_string(one.message, policy=policy.default)
    assert (content["To"], content["Message-ID"]) == ("bob@example.org", f"<{one.key}@example.org>")


def test_what_is_read_is_what_was_written(directory):
    post(directory)
    (one,) = load(directory)
    one = one.tried(NOW, "450 büsy", NOW + timedelta(minutes=1))
    one = replace(one, handed_over=NOW)
    outbox.save(directory, one)
    assert load(directory) == [one]
    done = one.ended("sent", NOW, "accepted")
    outbox.save(directory, done)
    assert load(directory) == [done]
    assert (done.message, done.settled, done.handed_over) == ("", NOW, None)
    assert [attempt.reply for attempt in done.attempts] == ["450 büsy", "accepted"]


def test_the_same_result_to_the_same_address_is_one_mail(directory):
    assert post(directory) == post(directory, "BOB@Example.org", letter=replace(LETTER, text="x"))
    (one,) = load(directory)
    assert "slower" in one.message
    outbox.save(directory, one.ended("sent", NOW, "accepted"))
    post(directory)
    assert [one.state for one in load(directory)] == ["sent"]


def test_another_result_or_address_is_another_mail(directory):
    post(directory, "bob@example.org", "bob@example.net")
    post(directory, letter=replace(LETTER, result="run-2"))
    assert len(load(directory)) == 3


def test_no_mail_is_put_in_when_one_address_is_none(directory):
    with pytest.raises(ConfigurationError, match="eve"):
        post(directory, "bob@example.org", "eve@example.org\nBcc: x@example.org")
    assert not directory.exists()


@pytest.mark.parametrize("result", ["", "a\nb", "x" * 201, "\x1b"])
def test_an_id_that_could_not_be_read_back_is_refused(directory, result):
    with pytest.raises(ConfigurationError, match="The id of a result: found"):
        post(directory, letter=replace(LETTER, result=result))


def test_it_is_its_owners_alone(directory):
    post(directory)
    assert directory.stat().st_mode & 0o777 == 0o700


def test_an_outbox_that_is_not_there_is_empty(directory):
    assert outbox.load(directory) == ([], [])
    assert not directory.exists()


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    for act in (post, lambda directory: outbox.locked(directory).__enter__()):
        with pytest.raises(InfrastructureError, match=str(tmp_path / "file")):
            act(tmp_path / "file" / "outbox")


def damage(**changed):
    """Return how a record's content is changed; None takes a field away."""

    def change(content):
        found = json.loads(content) | changed
        return json.dumps({name: value for name, value in found.items() if value != "gone"})

    return change


DAMAGES = {
    "it is no JSON": lambda content: content[:40],
    "it is not of format 1": damage(format=2),
    "it has no 'state'": damage(state="gone"),
    "'subject' is no text": damage(subject=3),
    "'subject' is no line": damage(subject="a\nb"),
    "'created' is no time": damage(created="soon"),
    "'next_attempt' is no time with a zone": damage(next_attempt="2026-11-23T09:35:44"),
    "'settled' is no time with a zone": damage(settled="9999-12-31T23:59:59-12:00"),
    "'attempts' is no list": damage(attempts={"at": 1}),
    "'attempts' is no list of objects": damage(attempts=[1]),
    "'reply' is no line": damage(
        attempts=[{"at": "2026-11-23T09:35:44Z", "reply": "\x1b[31m" * 200}]
    ),
    "its state is none of": damage(state="lost"),
    "its address is none": damage(address="bob"),
    "its key is not that of": damage(address="eve@example.org"),
    "its message is not that of": damage(message="ü"),
    "its message is not that of a mail": damage(state="sent"),
    "its end is not that of": damage(settled="2026-11-23T09:35:44Z"),
    "its name is that of another": damage(
        result="run-2", key=record.key_of("run-2", "bob@example.org")
    ),
}


@pytest.mark.parametrize(("reason", "change"), DAMAGES.items(), ids=DAMAGES)
def test_a_damaged_file_is_listed_and_stops_no_other(directory, reason, change):
    (key,) = post(directory)
    post(directory, letter=replace(LETTER, result="run-3"))
    path = directory / f"{key}.json"
    path.write_text(change(path.read_text()))
    records, damaged = outbox.load(directory)
    assert [one.result for one in records] == ["run-3"]
    assert [one.file for one in damaged] == [path.name]
    assert reason in damaged[0].reason
    assert damaged[0].reason.isprintable()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is not of format 1"),
        (b"{}", "it is not of format 1"),
    ],
)
def test_what_is_no_record_is_damaged(directory, content, reason):
    directory.mkdir(parents=True)
    (directory / f"{'a' * 32}.json").write_bytes(content)
    assert reason in outbox.load(directory)[1][0].reason


def test_what_is_no_file_of_ours_is_damaged(directory):
    (key,) = post(directory)
    os.mkfifo(directory / f"{'a' * 32}.json")
    (directory / f"{'b' * 32}.json").symlink_to(f"{key}.json")
    (directory / f"{'c' * 32}.json").mkdir()
    (directory / "note\n.json").touch()
    with (directory / f"{'d' * 32}.json").open("wb") as file:
        file.truncate(64 << 20)
    records, damaged = outbox.load(directory)
    assert [one.key for one in records] == [key]
    assert len(damaged) == 5
    assert all(one.file.isprintable() and one.reason.isprintable() for one in damaged)


def test_the_lock_is_held_and_given_back(directory):
    for _ in range(2):
        with outbox.locked(directory):
            assert files.is_locked(directory / outbox.LOCK)
        assert not files.is_locked(directory / outbox.LOCK)


def test_records_that_came_to_their_end_long_ago_are_pruned(directory):
    for result, state in (("run-1", "sent"), ("run-2", "refused"), ("run-3", "expired")):
        post(directory, letter=replace(LETTER, result=result))
        (one,) = (one for one in load(directory) if one.result == result)
        outbox.save(directory, one.ended(state, NOW, "x"))
    post(directory, letter=replace(LETTER, result="run-4"))
    outbox.prune(directory, NOW + outbox.KEPT)
    assert len(load(directory)) == 4
    outbox.prune(directory, NOW + outbox.KEPT + timedelta(seconds=1))
    assert [one.result for one in load(directory)] == ["run-4"]


def test_what_was_never_written_whole_is_pruned(directory):
    post(directory)
    old, new = directory / f".{'a' * 32}.json.7", directory / f".{'b' * 32}.json.8.new"
    for path in (old, new):
        path.touch()
    now = datetime.now(UTC)
    os.utime(old, times=(now.timestamp() - 90_000,) * 2)
    outbox.prune(directory, now)
    assert (old.exists(), new.exists(), len(load(directory))) == (False, True, 1)


def test_of_many_attempts_the_first_and_the_last_are_kept(directory):
    post(directory)
    (one,) = load(directory)
    for number in range(100):
        one = one.tried(NOW, str(number), NOW)
    outbox.save(directory, one)
    (one,) = load(directory)
    assert len(one.attempts) == 50
    assert (one.attempts[0], one.attempts[-1]) == (Attempt(NOW, "0"), Attempt(NOW, "99"))


def test_a_mail_is_put_in_whole_or_not_at_all_whatever_is_killed_when(tmp_path):
    with Killer({**os.environ, **VARIABLES}) as killer:
        code, steps = killer.run("post", str(tmp_path / "whole"), "run-1", "bob@example.org")
        assert code == 0
        found = []
        for number in range(1, steps + 1):
            directory = tmp_path / str(number)
            words = ("post", str(directory), "run-1", "bob@example.org")
            assert killer.run(*words, kill_at=number)[0] == KILLED
            found.append(len(load(directory)))
            assert killer.run(*words)[0] == 0
            assert [one.state for one in load(directory)] == ["waiting"]
    assert found == sorted(found)
    assert {0, 1} == set(found)
