# SPDX-License-Identifier: Apache-2.0
"""What the meters of hosts count, and what they say of what they cannot."""

import json
import threading

import meter_counters
import pytest
from meter_counters import Broker, Database, FailedError, Journal


def line(unit, message):
    return json.dumps({"_SYSTEMD_UNIT": unit, "MESSAGE": message}).encode()


@pytest.fixture
def journal(monkeypatch):
    """A journal that reads what the test gives it, up to the mark that is asked for."""
    made = Journal()

    def syslog(_, mark):
        threading.Thread(target=made.count, args=[line("", mark)]).start()

    monkeypatch.setattr(meter_counters.syslog, "syslog", syslog)
    return made


def test_lines_are_counted_by_unit(journal):
    journal.count(line("nova-api.service", "a line"))
    journal.count(line("nova-api.service", ["bytes", 1]))
    journal.count(line("keystone.service", "another"))
    lines, calls = journal.read()
    assert lines == {"nova-api": 2, "keystone": 1}
    assert calls == {}


def test_requests_are_counted_by_who_asked(journal):
    journal.count(line("placement.service", "GET /resource_providers?x=1 200 12ms nova-scheduler"))
    journal.count(line("placement.service", "PUT /allocations/1 204 8ms nova-scheduler"))
    journal.count(line("keystone.service", "GET /v3/auth/tokens 200 30ms nova-api"))
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
    journal.count(line("keystone.service", message))
    assert journal.read() == ({"keystone": 1}, {})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_line_that_is_no_entry_is_left_out(journal, content):
    journal.count(content)
    assert journal.read() == ({}, {})


def test_a_journal_that_is_behind_says_so(monkeypatch):
    monkeypatch.setattr(meter_counters, "SECONDS", 0.05)
    monkeypatch.setattr(meter_counters.syslog, "syslog", lambda *_: None)
    with pytest.raises(FailedError, match="behind"):
        Journal().read()


def test_without_database_and_broker_nothing_of_theirs_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(meter_counters, "DATABASE_SOCKET", str(tmp_path / "none"))
    monkeypatch.setattr(meter_counters, "BROKER_HOME", str(tmp_path))
    assert Database().read() == {}
    assert Broker().read() == {}


def test_the_answer_of_the_broker_is_read():
    text = '{ok, [{"nova-compute-host1", 12}, {"neutron", 3}]}'
    assert meter_counters.USER.findall(text) == [("nova-compute-host1", "12"), ("neutron", "3")]
