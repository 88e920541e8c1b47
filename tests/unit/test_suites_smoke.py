# SPDX-License-Identifier: Apache-2.0
"""Tests of the suite `smoke`: its plan, and what it records. The rest needs a cloud."""

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from osci_jobs import data
from osci_jobs.deployment.model import Suite
from osci_jobs.results import cases as results_cases
from osci_jobs.results import samples as results_samples
from osci_jobs.suites import plan, smoke

PLAN = smoke.plan(Suite("smoke", "smoke", {"build_timeout": 7}))
SERVER = "http://10.77.0.11:8774/v2.1/servers/0b1c"
TREE = Path(__file__).resolve().parents[2]
DOCS = (TREE / "docs" / "suites.md").read_text("utf-8")


def _load():
    path = plan.role_file("smoke_record.py")
    spec = importlib.util.spec_from_file_location("smoke_record", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


record = _load()


@pytest.fixture
def samples(tmp_path):
    with (tmp_path / "samples.csv").open("w", newline="") as file:
        yield record.Samples(file, smoke.CALLS)


@pytest.fixture
def cases(tmp_path, samples):
    with (tmp_path / "cases.jsonl").open("w") as file:
        yield record.Cases(file, samples, (ConnectionError,))


def _response(status):
    return SimpleNamespace(status_code=status, headers={"x-openstack-request-id": "req-1"})


def _raise(error):
    raise error


def _case(name, function, *needs):
    return record.Case("group", name, function, needs)


def _read(tmp_path):
    found = results_cases.read(tmp_path / "cases.jsonl")
    return {case.name: (case.outcome, case.message) for case in found}


def test_the_plan_takes_what_the_command_needs():
    settings = json.loads(PLAN.files["smoke.json"])
    assert PLAN.command[1:] == ("smoke.py", "smoke.json")
    assert settings["build_timeout"] == 7
    for name in set(PLAN.files) - {"smoke.json"}:
        assert PLAN.files[name].is_file()


def test_the_plan_uses_what_the_tester_has_made():
    settings = json.loads(PLAN.files["smoke.json"])
    roles = data.directory() / "playbooks" / "roles"
    tester = yaml.safe_load((roles / "tester" / "vars" / "main.yml").read_text("utf-8"))
    assert settings["cloud"] in tester["tester_clouds"]["clouds"]
    assert settings["image"] == tester["tester_ready"]["image"]
    assert settings["network"] == tester["tester_ready"]["network"]["name"]
    assert settings["flavor"] in [flavor["id"] for flavor in tester["tester_ready"]["flavors"]]


def test_operations_are_named_once_each_and_documented():
    assert len(set(smoke.OPERATIONS)) == len(smoke.OPERATIONS)
    for operation in smoke.OPERATIONS:
        assert f"`{operation}`" in DOCS


def test_cases_are_documented():
    source = plan.role_file("smoke.py").read_text("utf-8")
    found = re.findall(r'Case\(\s*"(\w+)",\s*"(\w+)"', source)
    assert len(found) == len(set(found)) == 15
    for group, name in found:
        assert f"| {group} | `{name}` |" in DOCS


@pytest.mark.parametrize(
    ("method", "url", "body", "operation"),
    [
        ("POST", "http://k:5000/v3/auth/tokens", None, "identity.token.create"),
        ("POST", "http://n:8774/v2.1/servers", {"server": {}}, "compute.server.create"),
        ("GET", "http://n:8774/v2.1/servers/detail?a=/b", None, "compute.server.list"),
        ("GET", SERVER, None, "compute.server.show"),
        ("DELETE", f"{SERVER}/", None, "compute.server.delete_request"),
        ("POST", f"{SERVER}/action", {"reboot": {"type": "SOFT"}}, "compute.server.reboot"),
        ("POST", f"{SERVER}/action", {"lock": None}, None),
        ("PUT", f"{SERVER}/metadata", None, "compute.server_metadata.replace"),
        ("PUT", f"{SERVER}/metadata/detail", None, "compute.server_metadata.set"),
        ("GET", "http://n:8774/v2.1/flavors/detail", None, "compute.flavor.list"),
        ("GET", "http://n:8774/v2.1/flavors/2", None, "compute.flavor.show"),
        ("GET", "http://g:9292/v2/images", None, "image.image.list"),
        ("GET", "http://n:8774/v2.1/", None, None),
        ("GET", "http://n:8774", None, None),
    ],
)
def test_a_request_is_known_by_its_method_and_path(samples, method, url, body, operation):
    assert samples.operation(method, url, body) == operation


def test_calls_and_waits_become_samples(tmp_path, samples):
    samples.call("GET", SERVER, None, lambda: _response(200))
    samples.call("GET", "http://n/v2.1", None, lambda: _response(300))
    with pytest.raises(ConnectionError):
        samples.call("POST", "http://n/servers", None, lambda: _raise(ConnectionError("gone")))
    samples.waited("compute.server.boot", 0.0)
    found = results_samples.read(tmp_path / "samples.csv")
    assert found.bad_rows == 0
    assert [(sample.operation, sample.status) for sample in found.samples] == [
        ("compute.server.show", 200),
        ("compute.server.create", 0),
        ("compute.server.boot", 200),
    ]


def test_a_failure_names_the_call_its_status_and_its_request(tmp_path, cases, samples):
    def fail():
        samples.call("GET", SERVER, None, lambda: _response(503))
        raise ConnectionError("No.")

    def fail_before_any_call():
        raise record.CaseFailedError("Never.")

    cases.run(_case("one", fail))
    cases.run(_case("two", fail_before_any_call))
    assert _read(tmp_path) == {
        "one": ("failed", "No. [compute.server.show answered 503 (req-1)]"),
        "two": ("failed", "Never."),
    }
    assert cases.has_failed


def test_a_bug_is_an_error_and_hides_no_other_case(tmp_path, cases, capsys):
    cases.run(_case("bug", lambda: _raise(IndexError("3"))))
    cases.run(_case("good", lambda: None))
    assert _read(tmp_path)["bug"] == ("error", "IndexError: 3")
    assert _read(tmp_path)["good"] == ("passed", "")
    assert re.fullmatch(
        r"CASE group.bug error 0.00\d\nCASE group.good passed 0.00\d\n", capsys.readouterr().out
    )


def test_what_needs_a_case_that_did_not_pass_is_skipped(tmp_path, cases):
    cases.run(_case("one", lambda: _raise(ConnectionError())))
    cases.run(_case("two", lambda: None, "group.one"))
    cases.run(_case("three", lambda: None, "group.two"))
    assert _read(tmp_path)["two"] == ("skipped", "It needs group.one, which did not pass.")
    assert _read(tmp_path)["three"] == ("skipped", "It needs group.two, which was skipped.")


def test_after_a_stop_the_rest_is_skipped_but_the_end_is_not(tmp_path, cases):
    cases.run(_case("one", cases.stop))
    cases.run(_case("two", lambda: None))
    cases.finish(_case("end", lambda: None))
    found = {name: outcome for name, (outcome, _) in _read(tmp_path).items()}
    assert found == {"one": "error", "two": "skipped", "end": "passed"}


def test_a_stop_between_cases_breaks_nothing(tmp_path, cases):
    cases.stop()
    cases.run(_case("one", lambda: None))
    assert _read(tmp_path)["one"] == ("skipped", "The suite was told to stop.")
