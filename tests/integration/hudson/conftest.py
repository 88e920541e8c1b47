# SPDX-License-Identifier: Apache-2.0
"""One real Hudson for all tests in this directory, made by `osci create hudson`."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from xml.sax.saxutils import escape

import jenkins
import pytest
from leftovers import assert_nothing_left, machine
from running import Finished, Osci

from hudson.controller import Hudson
from osci_jobs import data
from osci_jobs.hudson import account
from osci_jobs.hudson.server import Server


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


RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"
PARAMETER = """<hudson.model.StringParameterDefinition>
<name>{0}</name><defaultValue>{1}</defaultValue></hudson.model.StringParameterDefinition>"""
JOB = """<project><keepDependencies>false</keepDependencies><properties>
<hudson.model.ParametersDefinitionProperty><parameterDefinitions>{parameters}
</parameterDefinitions></hudson.model.ParametersDefinitionProperty></properties>
<canRoam>false</canRoam><assignedNode>netns</assignedNode><disabled>{disabled}</disabled><concurrentBuild>false</concurrentBuild>
<builders><hudson.tasks.Shell><command>{command}</command></hudson.tasks.Shell></builders>
<publishers><hudson.tasks.ArtifactArchiver><artifacts>run/**</artifacts>
<latestOnly>false</latestOnly></hudson.tasks.ArtifactArchiver></publishers></project>"""
FAILURE = '<failure message="host2 is not there"/>'
DEPLOYMENTS = {
    "quick": program(cases("", "")),
    "failing": program(cases("", FAILURE)),
    "empty": program(cases()),
    "slow1": program(f"import time; time.sleep(8); {cases('')}"),
    "slow2": program(f"import time; time.sleep(8); {cases('')}"),
    "limited": program("import time; time.sleep(150)", job={"limit": 1}),
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
    # Its agent knows where this is; what is in it is read at each run.
    osci.projects = directory / "projects.json"
    osci.projects.write_text("{}")
    osci.mail_conf = directory / "mail.json"
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


@pytest.fixture
def server(hudson):
    return Server(account.load(hudson.conf))


@pytest.fixture
def make_job(hudson):
    """Make a job with a name of its own whose shell runs `command`, and remove it."""
    found = account.load(hudson.conf)
    client = jenkins.Jenkins(found.url, found.user, found.password)
    made = []

    def make_job(command: str, disabled: bool = False, **parameters: str) -> str:
        name = f"t{uuid.uuid4().hex[:8]}"
        given = parameters or {"SUITES": "", "KEEP": "never"}
        text = JOB.format(
            command=escape(command),
            disabled=str(disabled).lower(),
            parameters="".join(PARAMETER.format(*each) for each in given.items()),
        )
        client.create_job(f"osci-functional-{name}", text)
        made.append(f"osci-functional-{name}")
        return name

    yield make_job
    for name in made:
        client.delete_job(name)


@pytest.fixture
def leave_run():
    """Return a line of shell that leaves the result of one of the runs of the tests' data."""

    def leave_run(name: str) -> str:
        document = (RESULTS / name / "expected" / "run.json").read_text()
        return (
            f"mkdir -p run; cat > run/run.json <<'END'\n{document}\nEND\n"
            f"echo report > run/report.html\n"
        )

    return leave_run


@pytest.fixture
def start(tmp_path):
    """Start an osci command in an empty directory."""
    environment = {
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONWARNINGS": "error",
    }

    started = []

    def start(*words: str, **more: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "osci_jobs", *words],
            cwd=tmp_path,
            env=environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def trigger(start, hudson):
    """Run `osci trigger` to its end."""

    def trigger(*words: str) -> Finished:
        process = start("trigger", *words, "--conf", str(hudson.conf))
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        return Finished(process.returncode, out, err)

    return trigger
