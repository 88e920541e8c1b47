# SPDX-License-Identifier: Apache-2.0
"""What a deployment file says of its jobs."""

import json
import re
from pathlib import Path

import pytest

from osci_jobs import deployment
from osci_jobs.deployment import Job, job, schema
from osci_jobs.errors import ConfigurationError

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
SCHEMA = schema.read()["properties"]["job"]["properties"]
CLOUD = {"host": [{"name": "host1"}], "api": [{"host": "host1"}]}
BARE = {"host": [{"name": "host1"}]}
SCHEDULES = (
    *("", "@daily", "@hourly", "0 3 * * *", "*/15 0-6,20 1-31/2 12 0,7", "  5   4 * * 1 "),
    "59 23 31 12 7",
)
NO_SCHEDULES = (
    *("@dayly", "0 3 * *", "0 3 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"),
    *("* * * * 8", "H * * * *", "5-1 * * * *", "*/0 * * * *", "1, * * * *", "a * * * *"),
    *("0 3 * * $(date)", "`id` * * * *", "１ * * * *", "--1 * * * *", "*"),
)


@pytest.fixture
def load(tmp_path):
    def load(**content):
        (tmp_path / "x.json").write_text(json.dumps(content))
        return deployment.load(tmp_path, "x")

    return load


def faults(load, **content):
    with pytest.raises(ConfigurationError) as caught:
        load(**content)
    return [line.partition("x.json:")[2] for line in str(caught.value).splitlines()]


def test_a_file_without_job_has_the_defaults(load):
    assert load(**CLOUD).job == Job(
        ("functional", "stress", "regression"), "netns", "", 132, 50, ()
    )


def test_bare_hosts_without_suites_have_no_family(load):
    assert load(**BARE).job.families == ()


def test_a_deployment_with_services_but_without_suites_can_be_put_under_load(load):
    assert load(**CLOUD, suites=[]).job.families == ("stress", "regression")


def test_there_is_no_load_without_services(load):
    assert faults(load, **BARE, job={"families": ["stress"]}) == [
        '1:52: $.job.families[0]: found "stress", expected no such family, '
        "because the deployment has no services."
    ]


def test_the_limit_follows_from_those_of_the_run(load):
    limits = {"run": 600, "harvest": 30, "delete": 30}
    assert load(**CLOUD, timeouts=limits).job.limit_minutes == 21


def test_every_key_is_taken(load):
    given = {
        "families": [],
        "label": "big.one",
        "schedule": "0  3 * * *",
        "limit": 30,
        "history": 5,
        "mail": ["bob@example.org"],
    }
    assert load(**CLOUD, job=given).job == Job(
        (), "big.one", "0 3 * * *", 30, 5, ("bob@example.org",)
    )


def test_a_misspelt_key_is_a_fault_with_the_nearest(load):
    (fault,) = faults(load, **BARE, job={"labels": "x"})
    assert fault == (
        "1:39: $.job.labels: found an unknown key, expected one of the keys 'families', 'history', "
        "'label', 'limit', 'mail' or 'schedule'. Did you mean 'label'?"
    )


def test_a_family_that_cannot_run_is_a_fault(load):
    assert faults(load, **BARE, job={"families": ["functional"]}) == [
        '1:52: $.job.families[0]: found "functional", expected no such family, '
        "because the deployment has no suites."
    ]


def test_a_misspelt_family_is_a_fault_with_the_nearest(load):
    (fault,) = faults(load, **CLOUD, job={"families": ["functionel"]})
    assert fault.endswith(
        "expected the family 'functional', 'stress' or 'regression'. Did you mean 'functional'?"
    )


def test_what_stands_twice_is_a_fault(load):
    twice = {"families": ["functional"] * 2, "mail": ["a@b"] * 2}
    found = faults(load, **CLOUD, job=twice)
    assert [fault.partition(": ")[2] for fault in found] == [
        "$.job.families[1]: found \"functional\", expected each of 'families' once.",
        "$.job.mail[1]: found \"a@b\", expected each of 'mail' once.",
    ]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_of_cron_is_taken(load, schedule):
    assert load(**CLOUD, job={"schedule": schedule}).job.schedule == " ".join(schedule.split())


@pytest.mark.parametrize("schedule", NO_SCHEDULES)
def test_what_no_cron_knows_is_a_fault(load, schedule):
    found = faults(load, **CLOUD, job={"schedule": schedule})
    assert all("$.job.schedule: found" in fault for fault in found)


@pytest.mark.parametrize("key", ["limit", "history"])
@pytest.mark.parametrize("number", [0, -1, 1.5, 10**9, "5", True, None, []])
def test_numbers_that_cannot_be_are_faults(load, key, number):
    (fault,) = faults(load, **CLOUD, job={key: number})
    assert f"$.job.{key}: found" in fault


@pytest.mark.parametrize("key", job.DEFAULTS)
def test_the_defaults_of_page_and_schema_are_those_of_the_table(key):
    default = job.DEFAULTS[key]
    text = default if isinstance(default, str) and default else json.dumps(default)
    assert f"Default: {text}" in SCHEMA[key]["description"]
    line = re.search(rf"^\| `job\.{key}` .*$", PAGE, re.MULTILINE)[0]
    assert line.endswith(f"| `{text}` |")


def test_the_families_are_those_of_the_schema():
    assert tuple(SCHEMA["families"]["items"]["enum"]) == job.FAMILIES


def test_the_schedules_of_the_page_are_those_that_are_taken():
    line = re.search(r"^\| `job\.schedule` .*$", PAGE, re.MULTILINE)[0]
    assert set(re.findall(r"`(@\w+)`", line)) == set(job._NAMES)
