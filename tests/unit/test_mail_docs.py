# SPDX-License-Identifier: Apache-2.0
"""Tests that docs/mail.md says what the program does."""

import json
import re
from pathlib import Path

from osci_jobs.mail import connection, delivery, message, outbox, record, settings
from osci_jobs.mail.settings import KEYS, Limits, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "mail.md").read_text("utf-8")
FLAT = " ".join(PAGE.split())


def rows(heading):
    """Return the rows of the table with this first cell, without backticks."""
    lines = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line[1:-1].split("|")] for line in lines]


def test_the_table_has_every_key_with_its_variable():
    expected = [(".".join(key), settings.variable(key)) for key in KEYS]
    assert [(row[0], row[1]) for row in rows("key")] == expected


def test_the_table_has_the_defaults():
    found = {row[0]: row[3] for row in rows("key")}
    plain = Settings("a", 25, "none", "a@b")
    assert found["limits.address_hour"] == str(Limits().address_hour)
    assert found["limits.hour"] == str(Limits().hour)
    assert found["seconds"] == f"{plain.seconds:g}"
    assert found["port"] == "by tls: {}, {} or {}".format(*settings.PORTS.values())


def test_the_example_is_right(tmp_path):
    path = tmp_path / "mail.json"
    path.write_text(re.search(r"^    (\{.*?\})$", PAGE, re.M | re.S)[1])
    assert settings.find(path, {}, tmp_path).user == json.loads(path.read_text())["user"]


def test_it_says_where_settings_are_looked_for():
    home, machine = settings.PLACES
    assert f"`~/{home}`, else `{machine}`" in FLAT


def test_the_states_are_those_of_records():
    assert tuple(row[0] for row in rows("state")) == record.STATES


def test_the_figures_are_those_of_the_program():
    *some, last = (f"{wait.seconds // 60}" for wait in delivery.WAITS[:-1])
    assert f"after {', '.join(some)} and {last} minutes, then every hour" in FLAT
    assert delivery.PATIENCE.days == 1
    assert f"stays for {outbox.KEPT.days} days" in FLAT
    assert f"of {message.SUBJECT_CHARACTERS} characters" in FLAT
    assert f"more than {message.LIMIT_BYTES >> 20} MiB" in FLAT
    assert f"lasts {connection.STEPS} times `seconds`" in FLAT
