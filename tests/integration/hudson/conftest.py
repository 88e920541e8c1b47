# SPDX-License-Identifier: Apache-2.0
"""A real Hudson, jobs on it, and osci beside it."""

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import jenkins
import pytest

from osci_jobs.hudson import account
from osci_jobs.hudson.server import Server

RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"
PARAMETER = """<hudson.model.StringParameterDefinition>
<name>{0}</name><defaultValue>{1}</defaultValue></hudson.model.StringParameterDefinition>"""
JOB = """<project><keepDependencies>false</keepDependencies><properties>
<hudson.model.ParametersDefinitionProperty><parameterDefinitions>{parameters}
</parameterDefinitions></hudson.model.ParametersDefinitionProperty></properties>
<canRoam>true</canRoam><disabled>{disabled}</disabled><concurrentBuild>false</concurrentBuild>
<builders><hudson.tasks.Shell><command>{command}</command></hudson.tasks.Shell></builders>
<publishers><hudson.tasks.ArtifactArchiver><artifacts>run/**</artifacts>
<latestOnly>false</latestOnly></hudson.tasks.ArtifactArchiver></publishers></project>"""


@dataclass(frozen=True)
class Hudson:
    """A Hudson with security on: its address, and a file with an account that may do all."""

    url: str
    conf: Path


@dataclass
class Finished:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def hudson():
    """The Hudson of the file that OSCI_TEST_HUDSON_CONF names."""
    path = os.environ.get("OSCI_TEST_HUDSON_CONF")
    if not path:
        pytest.skip("OSCI_TEST_HUDSON_CONF names no Hudson")
    return Hudson(account.load(Path(path)).url, Path(path))


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
