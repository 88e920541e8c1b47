# SPDX-License-Identifier: Apache-2.0
"""Scenarios of load: what a file means, and what is said of one that means nothing."""

import json
from pathlib import Path

import pytest
import stress_operations

from osci_jobs import data, stress
from osci_jobs.deployment import SERVICES
from osci_jobs.errors import ConfigurationError

OWN = data.directory() / "config" / "stress"
LEAST = {"operations": {"token": 1}, "rate": 2.5, "duration": 3}


def _write(directory: Path, **scenarios) -> Path:
    for name, content in scenarios.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        (directory / f"{name.replace('_', '-')}.json").write_text(text)
    return directory


def _message(directory: Path, *wanted, services=SERVICES) -> str:
    with pytest.raises(ConfigurationError) as caught:
        stress.load(directory, wanted, services)
    return str(caught.value)


def test_the_scenarios_that_come_with_osci_are_right():
    found = stress.load(OWN, (), SERVICES)
    assert [one.name for one in found] == stress.names(OWN)
    assert {name for one in found for name in one.operations} == set(stress.OPERATIONS)
    assert all(one.limits for one in found)


def test_the_operations_are_those_of_the_program_and_of_the_schema():
    schema = json.loads((Path(stress.__file__).parent / "schema.json").read_text("utf-8"))
    assert set(schema["properties"]["operations"]["properties"]) == set(stress.OPERATIONS)
    assert set(stress_operations.OPERATIONS) == set(stress.OPERATIONS)


def test_what_a_file_leaves_out_has_its_default(tmp_path):
    (one,) = stress.load(_write(tmp_path, least=LEAST), (), SERVICES)
    assert (one.name, one.rate, one.concurrency) == ("least", 2.5, None)
    assert (one.ramp, one.timeout, one.servers, one.limits) == (0, 30, 0, {})
    assert "concurrency" not in one.as_dict()


def test_scenarios_come_in_the_order_that_was_asked_for(tmp_path):
    _write(tmp_path, a=LEAST, b=LEAST, c=LEAST)
    found = stress.load(tmp_path, ("c", "a", "c"), SERVICES)
    assert [one.name for one in found] == ["c", "a"]


def test_all_faults_of_all_files_are_said_at_once(tmp_path):
    _write(
        tmp_path,
        negative=LEAST | {"rate": -1, "duration": 0},
        unknown=LEAST | {"ratee": 1, "operations": {"tokn": 1}},
        both=LEAST | {"concurrency": 2},
        neither={"operations": {"token": 0}, "duration": 1},
        broken="{",
    )
    lines = _message(tmp_path).splitlines()
    said = {line.partition(".json:")[0].rpartition("/")[2]: [] for line in lines}
    for line in lines:
        said[line.partition(".json:")[0].rpartition("/")[2]].append(line)
    assert "found 'rate' and 'concurrency' both, expected 'rate' or" in said["both"][0]
    assert "The file is not JSON" in said["broken"][0]
    assert "$.rate: found -1, expected a number of operations a second" in said["negative"][0]
    assert "$.duration: found 0, expected a number of seconds above 0" in said["negative"][1]
    assert "found neither 'rate' nor 'concurrency'" in said["neither"][0]
    assert "$.operations.token: found 0, expected a whole weight" in said["neither"][1]
    assert "Did you mean 'rate'?" in "".join(said["unknown"])
    assert "Did you mean 'token'?" in "".join(said["unknown"])
    assert len(lines) == 8


def test_an_operation_needs_its_service(tmp_path):
    _write(tmp_path, least=LEAST)
    message = _message(tmp_path, services=("nova-api",))
    assert message.startswith(f"{tmp_path}/least.json:3:3: $.operations.token: found 'token'")
    assert "without the service 'keystone', which the deployment lacks" in message


def test_a_scenario_that_is_not_there_has_its_nearest_name(tmp_path):
    _write(tmp_path, server_list=LEAST)
    assert "Did you mean 'server-list'?" in _message(tmp_path, "server-lst")


@pytest.mark.parametrize("name", ["UP", "a.b", "a b", "x" * 41])
def test_a_name_that_no_metric_can_have_is_refused(tmp_path, name):
    (tmp_path / f"{name}.json").write_text(json.dumps(LEAST))
    assert "is no name of a scenario" in _message(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path):
    assert "'--stress-config-dir' names another" in _message(tmp_path / "none")


def test_a_directory_without_scenarios_says_so(tmp_path):
    assert "There is no scenario." in _message(tmp_path)
