# SPDX-License-Identifier: Apache-2.0
"""Strings that would be executed, brought through a real Hudson: nothing is, here or there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hostile import CORPUS

from osci_jobs import deployment
from osci_jobs.errors import ConfigurationError

pytestmark = pytest.mark.full

TREE = Path(__file__).parents[3]
# A shell's and an environment's words have no NUL, and a form no half of a pair.
SENT = [text for text in CORPUS if "\0" not in text and "\ud800" not in text and len(text) < 999]
PER_BUILD = 60


@pytest.fixture(scope="module")
def deployments(tmp_path_factory) -> Path:
    """Deployments that carry every string that a description may be."""
    directory = tmp_path_factory.mktemp("deployments")
    for number, text in enumerate(CORPUS):
        path = directory / f"hostile-{number}.json"
        host = {"host": [{"name": "host1"}], "api": [{"host": "host1"}]}
        path.write_text(json.dumps(host | {"description": text}))
        try:
            deployment.load(directory, path.stem)
        except ConfigurationError:
            path.unlink()
    return directory


@pytest.fixture(autouse=True)
def no_canary(hudson):
    """See that no command was executed, on the agent or on the controller."""
    before = canaries(hudson)
    yield
    assert canaries(hudson) - before == set()
    there = hudson.on_host("find", "/", "-xdev", "-name", "canary*", "-not", "-path", "/proc/*")
    assert there == ""


def test_descriptions_reach_the_server_as_they_were_written(hudson, deployments, tmp_path):
    jobs = tmp_path / "jobs"
    subprocess.run(["cp", "-r", str(TREE / "jobs"), str(jobs)], check=True)
    words = ["--jobs-dir", str(jobs), "--deployment-config-dir", str(deployments)]
    assert hudson.osci("jobs", "render", *words).code == 0
    command = [sys.executable, "-m", "jenkins_jobs", "--conf", str(hudson.conf)]
    names = [f"osci-functional-{path.stem}" for path in deployments.iterdir()]
    assert len(names) >= 100
    subprocess.run([*command, "update", str(jobs)], check=True, capture_output=True)
    try:
        for name in names:
            text = deployment.load(deployments, name.removeprefix("osci-functional-")).description
            root = ElementTree.fromstring(hudson.get(f"job/{name}/config.xml"))
            shown = unescaped(root.findtext("description", ""))
            assert " ".join(shown.split()).startswith(" ".join(text.split())), name
    finally:
        others = ("stress", "regression")
        names += [name.replace("functional", one, 1) for one in others for name in names]
        subprocess.run([*command, "delete", *names], check=True, capture_output=True)


def test_suites_are_refused_by_osci_and_executed_by_nobody(hudson):
    for start in range(0, len(SENT), PER_BUILD):
        log = log_of_build(hudson, SUITES=" ".join(SENT[start : start + PER_BUILD]))
        assert "SUITES: The deployment 'quick' has no suite" in log


@pytest.mark.parametrize("text", ["$(touch canary-x)", "`touch canary-x`", "'; touch canary-x; '"])
def test_keep_is_refused_by_osci(hudson, text):
    assert "KEEP: found" in log_of_build(hudson, KEEP=text)


def log_of_build(hudson, **parameters: str) -> str:
    """Build `quick` with parameters that `osci trigger` would not send; see that it fails."""
    number = hudson.json("job/osci-functional-quick")["nextBuildNumber"]
    kind = "application/x-www-form-urlencoded"
    body = urlencode(parameters).encode()
    hudson.post("job/osci-functional-quick/buildWithParameters", body, kind)
    hudson.wait_for_log("quick", number, "Finished")
    assert hudson.build("quick", number)["result"] == "FAILURE"
    return hudson.log("quick", number)


def unescaped(text: str) -> str:
    """Return what a browser shows of a description that is HTML."""
    for code, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(code, character)
    return text


def canaries(hudson) -> set[str]:
    """Return what the strings would have made; /tmp has those of other tests, too."""
    places = [hudson.osci.state / "agents", Path("/run/osci", hudson.group), Path("/tmp")]
    return {
        os.path.join(directory, name)
        for place in places
        for directory, directories, names in os.walk(place)
        for name in (*directories, *names)
        if name.startswith("canary")
    }
