# SPDX-License-Identifier: Apache-2.0
"""Running osci as its user does."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# No command takes so long, two sides in pairs on a slow machine neither.
HANGING_SECONDS = 2400
OSCI = [sys.executable, "-m", "osci_jobs"]


@dataclass
class Finished:
    """What a command left: exit code, output, and the object it printed with --json."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@dataclass
class Command:
    """An osci command under way."""

    process: subprocess.Popen
    seen: list[str] = field(default_factory=list)

    def wait_for(self, text: str):
        """Read standard error until a line holds `text`."""
        for line in self.process.stderr:
            self.seen.append(line)
            if text in line:
                return
        pytest.fail(f"osci ended before it said {text!r}:\n{''.join(self.seen)}")

    def signal(self, number: int):
        self.process.send_signal(number)

    def finish(self) -> Finished:
        out, err = self.process.communicate(timeout=HANGING_SECONDS)
        return Finished(self.process.returncode, out, "".join(self.seen) + err)


class Osci:
    """osci with a state directory and a working directory of the test's own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.state = directory / "state"
        self.cache: Path | None = None
        self.temporary = directory / "temporary"
        self.temporary.mkdir()
        self.deployments: Path | None = None
        self.projects: Path | None = None
        self.mail_conf: Path | None = None

    def start(self, *words: str) -> Command:
        environment = {
            **os.environ,
            "OSCI_STATE_DIR": str(self.state),
            "TMPDIR": str(self.temporary),
        }
        if self.cache:
            environment["OSCI_CACHE_DIR"] = str(self.cache)
        if self.deployments:
            environment["OSCI_DEPLOYMENT_CONFIG_DIR"] = str(self.deployments)
        if self.projects:
            environment["OSCI_PROJECTS"] = str(self.projects)
        if self.mail_conf:
            environment["OSCI_MAIL_CONF"] = str(self.mail_conf)
        process = subprocess.Popen(
            [*OSCI, *words],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Command(process)

    def __call__(self, *words: str) -> Finished:
        return self.start(*words).finish()

    @property
    def groups(self) -> list[str]:
        return sorted(path.stem for path in (self.state / "groups").glob("*.jsonl"))

    @property
    def runs(self) -> list[Path]:
        return sorted((self.directory / "results").glob("*"))
