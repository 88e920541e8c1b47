# SPDX-License-Identifier: Apache-2.0
"""Tests of the suite `smoke`: its plan, and what it records. The rest needs a cloud."""

import importlib.util
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from osci_jobs import data, deployment
from osci_jobs.deployment import SERVICES
from osci_jobs.deployment.model import Suite
from osci_jobs.deployment.suites import DEFAULTS
from osci_jobs.results import cases as results_cases
from osci_jobs.results import samples as results_samples
from osci_jobs.suites import plan, smoke

OPTIONS = DEFAULTS["smoke"]
SERVER = "http://10.77.0.11:8774/v2.1/servers/0b1c"
IMAGE = "http://10.77.0.11:9292/v2/images/0b1c"
TREE = Path(__file__).resolve().parents[2]
DOCS = (TREE / "docs" / "suites.md").read_text("utf-8")
GOLDEN = TREE / "tests" / "data" / "smoke"
# Group, name, and what follows of each case, in order.
CASES = re.findall(r'Case\("(\w+)", "(\w+)"(.*)\)', plan.role_file("smoke.py").read_text("utf-8"))
TITLES = [f"{group}.{name}" for group, name, _ in CASES]


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
        yield record.Cases(file, samples, (ConnectionError,), {"group.off": "It is off."})


def _plan(services=SERVICES, **options):
    return smoke.plan(Suite("smoke", "smoke", OPTIONS | options), dict.fromkeys(services, ()))


def _settings(*arguments, **options):
    return json.loads(_plan(*arguments, **options).files["smoke.json"])


def _response(status, request_id="req-1"):
    return SimpleNamespace(status_code=status, headers={"x-openstack-request-id": request_id})


def _raise(error):
    raise error


def _case(name, function, *needs):
    return record.Case("group", name, function, needs)


def _read(tmp_path):
    found = results_cases.read(tmp_path / "cases.jsonl")
    return {case.name: (case.outcome, case.message) for case in found}


def test_the_plan_takes_what_the_command_needs():
    files = _plan(server_build_timeout=7).files
    assert _plan().command[1:] == ("smoke.py", "smoke.json")
    assert _settings(server_build_timeout=7)["server_build_timeout"] == 7
    programs = plan.role_file("smoke.py").parent.glob("smoke*.py")
    assert set(files) == {"smoke.json", *(path.name for path in programs)}


def test_the_plan_uses_what_the_tester_has_made():
    settings = _settings()
    roles = data.directory() / "playbooks" / "roles"
    tester = yaml.safe_load((roles / "tester" / "vars" / "main.yml").read_text("utf-8"))
    assert settings["cloud"] in tester["tester_clouds"]["clouds"]
    assert settings["image"] == ["name", tester["tester_ready"]["image"]]
    assert settings["network_label"] == tester["tester_ready"]["network"]["name"]
    flavors = [["id", flavor["id"]] for flavor in tester["tester_ready"]["flavors"]]
    assert settings["flavor"] in flavors and settings["resize_flavor"] in flavors


def test_images_and_flavors_are_known_by_id_or_by_name():
    options = {key: OPTIONS[key] for key in OPTIONS if "flavor" not in key}
    options |= {"image_ref": "0b1c", "flavor_name": "m1.tiny", "flavor_name_resize": "m1.small"}
    planned = smoke.plan(Suite("smoke", "smoke", options), {})
    settings = json.loads(planned.files["smoke.json"])
    assert settings["image"] == ["id", "0b1c"]
    assert settings["flavor"] == ["name", "m1.tiny"]
    assert settings["resize_flavor"] == ["name", "m1.small"]


def test_the_cases_are_torpedos_in_its_order():
    groups = dict.fromkeys(group for group, _, _ in CASES)
    assert len(set(TITLES)) == len(TITLES) == 37
    assert " ".join(groups) == (
        "keypairs stacks flavors limits images volumes servers meters cleanup"
    )
    for group in groups:
        names = [name for other, name, _ in CASES if other == group]
        assert names == sorted(names) or names == ["test_list", "test_get"]


@pytest.mark.parametrize("case", smoke.SWITCHES)
def test_a_case_is_skipped_when_one_of_its_options_is_off(case):
    assert case in TITLES and case not in _settings()["skips"]
    for option in smoke.SWITCHES[case]:
        assert _settings(**{option: False})["skips"][case] == f"It is switched off by '{option}'."


def test_every_option_that_switches_cases_off_is_in_the_table():
    used = {option for options in smoke.SWITCHES.values() for option in options}
    switches = {option for option in OPTIONS if option.startswith("test_") or option == "keypairs"}
    assert used == switches - {"test_hostid_on_resize"}


def test_a_case_without_its_service_is_skipped_and_has_no_function():
    assert set(smoke.UNITS.values()).isdisjoint(SERVICES)
    assert set(_settings()["skips"]) == set(smoke.NEEDED_SERVICES)
    without = [f"{group}.{name}" for group, name, rest in CASES if not rest]
    assert sorted(without) == sorted(smoke.NEEDED_SERVICES)
    assert _settings((*SERVICES, *smoke.UNITS.values()))["skips"] == {}


@pytest.mark.parametrize("name", ["basic", "single", "spread"])
def test_the_skips_of_a_sample_are_the_golden_ones(name):
    loaded = deployment.load(TREE / "config" / "deploy", name)
    planned = smoke.plan(loaded.suites[0], loaded.services)
    skips = json.loads(planned.files["smoke.json"])["skips"]
    text = "".join(f"{title}: {skips[title]}\n" for title in TITLES if title in skips)
    if os.environ.get("OSCI_REWRITE_GOLDEN"):
        (GOLDEN / f"{name}.skips").write_text(text, "utf-8")
    assert text == (GOLDEN / f"{name}.skips").read_text("utf-8")


def test_operations_are_named_once_each_and_documented():
    assert len(set(smoke.OPERATIONS)) == len(smoke.OPERATIONS)
    for operation in smoke.OPERATIONS:
        assert f"`{operation}`" in DOCS


def test_cases_are_documented():
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \|.*\| ?(.*) \|$", DOCS, re.MULTILINE)
    assert [f"{group}.{name}" for group, name, _ in rows] == TITLES
    for group, name, needs in rows:
        title = f"{group}.{name}"
        options = ", ".join(f"`{option}`" for option in smoke.SWITCHES.get(title, ()))
        service = smoke.NEEDED_SERVICES.get(title)
        assert needs == (f"{service} service" if service else options)


@pytest.mark.parametrize(
    ("method", "url", "body", "operation"),
    [
        ("POST", "http://k:5000/v3/auth/tokens", None, "identity.token.create"),
        ("POST", "http://n:8774/v2.1/servers", {"server": {}}, "compute.server.create"),
        ("GET", "http://n:8774/v2.1/servers/detail?a=/b", None, "compute.server.list"),
        ("GET", SERVER, None, "compute.server.show"),
        ("DELETE", f"{SERVER}/", None, "compute.server.delete_request"),
        ("POST", f"{SERVER}/action", {"reboot": {}}, "compute.server.reboot_request"),
        (
            "POST",
            f"{SERVER}/action",
            {"confirmResize": None},
            "compute.server.resize_confirm_request",
        ),
        ("POST", f"{SERVER}/action", {"lock": None}, None),
        ("PUT", f"{SERVER}/metadata", None, "compute.server_metadata.replace"),
        ("PUT", f"{SERVER}/metadata/detail", None, "compute.server_metadata.set"),
        ("GET", "http://n:8774/v2.1/flavors/detail", None, "compute.flavor.list"),
        ("GET", "http://n:8774/v2.1/flavors/2", None, "compute.flavor.show"),
        ("GET", "http://g:9292/v2/images", None, "image.image.list"),
        ("GET", f"{IMAGE}/file", None, "image.image.download"),
        ("PATCH", IMAGE, [{"op": "remove"}], "image.image.update"),
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


def test_what_is_waited_for_in_vain_is_laid_to_the_call_that_asked_for_it(tmp_path, cases, samples):
    def wait(asked):
        samples.call("POST", f"{SERVER}/action", {"resize": {}}, lambda: _response(202))
        asked = samples.last if asked is None else asked
        samples.call("GET", SERVER, None, lambda: _response(200, "req-2"))
        raise record.CaseFailedError("Stayed.", asked)

    cases.run(_case("one", lambda: wait(None)))
    cases.run(_case("two", lambda: wait("")))
    assert _read(tmp_path) == {
        "one": ("failed", "Stayed. [compute.server.resize_request answered 202 (req-1)]"),
        "two": ("failed", "Stayed."),
    }


def test_a_case_that_is_not_to_run_is_skipped_with_its_reason(tmp_path, cases):
    cases.run(_case("off", None))
    cases.run(_case("next", None, "group.off"))
    assert _read(tmp_path) == {
        "off": ("skipped", "It is off."),
        "next": ("skipped", "It needs group.off, which was skipped."),
    }
    assert not cases.has_failed


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
