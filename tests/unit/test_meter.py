# SPDX-License-Identifier: Apache-2.0
"""What the meters of hosts count, and what they say of what they cannot."""

import json
import os

import meter_counters
import pytest
from meter_counters import Broker, Database, FailedError, Journal

# What answers for journalctl: entries have numbers as their cursors.
PROGRAM = """\
#!/bin/sh
for word in "$@"; do
    case "$word" in
        --lines=*) tail -n "${word#*=}" entries ;;
        --after-cursor=*) tail -n "+$((${word#*=} + 1))" entries ;;
    esac
done
"""


class Entries:
    """A journal that tests write, and the Journal that has begun to count it."""

    def __init__(self, path):
        self._path = path
        self._number = 0
        self.add("ssh.service", "before")
        self.journal = Journal()
        assert self.journal.read() == ({}, {})

    def add(self, unit, message):
        self._number += 1
        entry = {"__CURSOR": str(self._number), "_SYSTEMD_UNIT": unit, "MESSAGE": message}
        self.add_line(json.dumps(entry).encode())

    def add_line(self, line):
        with self._path.open("ab") as file:
            file.write(line + b"\n")

    def read(self):
        return self.journal.read()


@pytest.fixture
def program(monkeypatch, tmp_path):
    """A program that is found as journalctl."""
    path = tmp_path / "journalctl"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def journal(program, tmp_path):
    return Entries(tmp_path / "entries")


def test_lines_are_counted_by_unit(journal):
    journal.add("nova-api.service", "a line")
    journal.add("nova-api.service", ["bytes", 1])
    journal.add("keystone.service", "another")
    lines, calls = journal.read()
    assert lines == {"nova-api": 2, "keystone": 1}
    assert calls == {}


def test_requests_are_counted_by_who_asked(journal):
    journal.add("placement.service", "GET /resource_providers?x=1 200 12ms nova-scheduler")
    journal.add("placement.service", "PUT /allocations/1 204 8ms nova-scheduler")
    journal.add("keystone.service", "GET /v3/auth/tokens 200 30ms nova-api")
    _, calls = journal.read()
    assert calls == {"nova-scheduler": {"placement": 2}, "nova-api": {"keystone": 1}}


@pytest.mark.parametrize(
    "message",
    [
        "GET /v3 200 30ms ",
        "GET /v3 200 30ms -",
        "GET /v3 200 30ms a b",
        "GET /v3 200 30ms UPPER",
        "GET /v3 200 30ms nova-api and more",
        "2026-11-26 06:00:00.000 12 INFO GET /v3 200 30ms nova-api",
    ],
)
def test_a_line_that_no_service_caused_is_no_call(journal, message):
    journal.add("keystone.service", message)
    assert journal.read() == ({"keystone": 1}, {})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_line_that_is_no_entry_is_left_out(journal, content):
    journal.add_line(content)
    assert journal.read() == ({}, {})


def test_what_was_counted_is_not_counted_again(journal):
    journal.add("keystone.service", "one")
    assert journal.read() == ({"keystone": 1}, {}) == journal.read()
    journal.add("keystone.service", "two")
    assert journal.read() == ({"keystone": 2}, {})


def test_a_journal_that_does_not_answer_is_told(program, monkeypatch):
    program.write_text("#!/bin/sh\nexec sleep 9\n")
    monkeypatch.setattr(meter_counters, "SECONDS", 0.05)
    with pytest.raises(FailedError, match="The journal: .* timed out"):
        Journal().read()


def test_a_journal_that_cannot_be_read_is_told(program):
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(FailedError, match="The journal: .* exit status 1"):
        Journal().read()


def test_without_database_and_broker_nothing_of_theirs_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(meter_counters, "DATABASE_SOCKET", str(tmp_path / "none"))
    monkeypatch.setattr(meter_counters, "BROKER_DEFINITIONS", str(tmp_path / "none"))
    assert Database().read() == {}
    assert Broker().read() == {}


def test_the_answer_of_the_broker_is_read():
    text = '{ok, [{"nova-compute-host1", 12}, {"neutron", 3}]}'
    assert meter_counters.USER.findall(text) == [("nova-compute-host1", "12"), ("neutron", "3")]
