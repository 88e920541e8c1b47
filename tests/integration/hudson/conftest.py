# SPDX-License-Identifier: Apache-2.0
"""One real Hudson for all tests in this directory, made by `osci create hudson`."""

import json
import shutil
import subprocess

import pytest
from leftovers import assert_nothing_left, machine
from running import Osci
from server import Hudson

from osci_jobs import data


def program(text: str, **more: object) -> dict:
    """Return a deployment of one host whose suite is a Python program."""
    suite = {
        "suite": "command",
        "name": "program",
        "command": ["/usr/bin/python3", "-c", text],
        "junit": "junit.xml",
    }
    return {"host": [{"name": "host1"}], "suites": [suite], **more}


def cases(*inside: str) -> str:
    """Return a program that leaves a case for each text, which is what is in it."""
    xml = "".join(f'<testcase name="case{n}">{text}</testcase>' for n, text in enumerate(inside))
    return f"open('junit.xml', 'w').write({f'<testsuite>{xml}</testsuite>'!r})"


FAILURE = '<failure message="host2 is not there"/>'
DEPLOYMENTS = {
    "quick": program(cases("", "")),
    "failing": program(cases("", FAILURE)),
    "empty": program("pass"),
    "slow1": program(f"import time; time.sleep(8); {cases('')}"),
    "slow2": program(f"import time; time.sleep(8); {cases('')}"),
    # No OpenStack comes up in three seconds.
    "broken": {"host": [{"name": "host1"}], "api": [{"host": "host1"}], "timeouts": {"deploy": 3}},
}


@pytest.fixture(scope="package")
def hudson(tmp_path_factory):
    """Make the Hudson with jobs of DEPLOYMENTS and `single`; see that it leaves nothing."""
    subprocess.run(["ip", "netns", "list"], check=True)
    before = machine()
    directory = tmp_path_factory.mktemp("hudson")
    osci = Osci(directory)
    osci.deployments = directory / "deployments"
    osci.deployments.mkdir()
    for name in ("hudson", "single"):
        shutil.copy(data.directory() / "config" / "deploy" / f"{name}.json", osci.deployments)
    for name, document in DEPLOYMENTS.items():
        (osci.deployments / f"{name}.json").write_text(json.dumps(document))
    made = osci("create", "hudson", "--json")
    try:
        assert made.code == 0, made.err
        yield Hudson(osci, made.json["access"])
    finally:
        osci("delete", *osci.groups)
    assert_nothing_left(before)
    assert osci.groups == []


@pytest.fixture(autouse=True)
def nothing_left(hudson):
    """See after each test that the machine is as it was, but for the Hudson itself."""
    before = machine()
    yield
    assert hudson.osci.groups == [hudson.group]
    assert_nothing_left(before, but=("processes",))
