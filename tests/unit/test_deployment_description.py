# SPDX-License-Identifier: Apache-2.0
"""What others see of a deployment: every value, where it came from, no password."""

import json
from pathlib import Path

import pytest

from osci_jobs import deployment

SAMPLES = Path("config/deploy")
PASSWORD = "s3cr3t"


@pytest.fixture(autouse=True)
def tree(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])


def with_password(directory):
    (directory / "x.json").write_text(
        json.dumps(
            {
                "description": "\u202eevil",
                "host": [{"name": "host1"}],
                "api": [{"host": "host1"}],
                "datastore": {"engine_url": f"mysql://nova:{PASSWORD}@host1"},
                "suites": [
                    {
                        "suite": "command",
                        "name": "a",
                        "command": ["curl", f"http://me:{PASSWORD}@host1/"],
                        "junit": "a.xml",
                    }
                ],
            }
        )
    )
    return deployment.load(directory, "x")


def leaves(value, path=""):
    if isinstance(value, dict) and value:
        return {
            leaf for key, item in value.items() for leaf in leaves(item, f"{path}.{key}".strip("."))
        }
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {leaf for at, item in enumerate(value) for leaf in leaves(item, f"{path}[{at}]")}
    return {path}


@pytest.mark.parametrize("name", deployment.names(Path(__file__).parents[2] / SAMPLES))
def test_each_resolved_value_has_an_origin(name):
    loaded = deployment.load(SAMPLES, name)
    described = deployment.describe(loaded)
    of_the_file = {"name", "path", "digest", "notes"}
    assert leaves(described) - of_the_file == {path for path, _, _ in deployment.explain(loaded)}
    assert json.loads(json.dumps(described)) == described


def test_origins_are_places_and_reasons():
    origins = {
        path: (value, origin)
        for path, value, origin in deployment.explain(deployment.load(SAMPLES, "basic"))
    }
    assert origins["network"] == ("flat", "config/deploy/basic.json:2:44")
    assert origins["services.mariadb"] == (["host1"], "default: the first 'api' host")
    assert origins["services.nova-compute"] == (["host2"], "default: the 'network' hosts")
    assert origins["hosts[0].address"] == ("", "provider")
    assert origins["limits.run.seconds"] == (7200, "default")


def test_each_place_is_that_of_the_value():
    lines = (SAMPLES / "spread.json").read_text().splitlines()
    placed = [entry for entry in deployment.explain(deployment.load(SAMPLES, "spread"))]
    for path, value, origin in placed:
        if isinstance(value, str) and origin.startswith("config/"):
            _, line, column = origin.split(":")
            found = lines[int(line) - 1][int(column) - 1 :]
            assert found.startswith((f'"{value}', '"mysql://')), path


def test_no_password_is_shown(tmp_path):
    loaded = with_password(tmp_path)
    assert loaded.database.password == PASSWORD
    shown = deployment.describe(loaded)
    assert shown["database"]["password"] == "***"
    assert shown["suites"][0]["options"]["command"] == ["curl", "http://***@host1/"]
    for text in (str(shown), str(deployment.explain(loaded)), repr(loaded.database)):
        assert PASSWORD not in text


def test_what_is_explained_cannot_turn_a_terminal(tmp_path):
    values = {path: value for path, value, _ in deployment.explain(with_password(tmp_path))}
    assert values["description"] == "\\u202eevil"
