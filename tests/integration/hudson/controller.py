# SPDX-License-Identifier: Apache-2.0
"""A Hudson under test: what a browser, a CI admin and its agent see of it."""

import configparser
import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

from running import Finished, Osci

DEADLINE_SECONDS = 400


class Hudson:
    """The Hudson of a group, and the osci that made it."""

    def __init__(self, osci: Osci, access: dict):
        self.osci = osci
        self.group = access["group"]
        self.conf = Path(access["conf"])
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.conf)
        account = parser["jenkins"]
        self.url, self.user, self.password = (account[key] for key in ("url", "user", "password"))
        basic = b64encode(f"{self.user}:{self.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers=self._headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def json(self, path: str) -> dict:
        # Hudson leaves control characters in texts as they are.
        return json.loads(self.get(f"{path}/api/json".lstrip("/")), strict=False)

    def post(self, path: str, content: bytes = b"", kind: str = "text/plain") -> None:
        crumb = self.json("crumbIssuer")
        headers = self._headers | {crumb["crumbRequestField"]: crumb["crumb"]}
        headers["Content-Type"] = kind
        request = urllib.request.Request(self.url + path, content, headers)
        urllib.request.urlopen(request, timeout=30).close()

    def trigger(self, *words: str) -> Finished:
        return self.osci("trigger", *words, "--conf", str(self.conf))

    def last(self, name: str) -> int:
        """Return the number of the job's last build."""
        return self.json(f"job/osci-functional-{name}")["lastBuild"]["number"]

    def build(self, name: str, number: int, family: str = "functional") -> dict:
        """Return a build of a job once it has ended."""
        path = f"job/osci-{family}-{name}/{number}"
        until = time.monotonic() + DEADLINE_SECONDS
        while (build := self.json(path))["building"]:
            assert time.monotonic() < until, f"{path} does not end"
            time.sleep(0.5)
        return build

    def artifact(self, name: str, number: int, file: str, family: str = "functional") -> bytes:
        return self.get(f"job/osci-{family}-{name}/{number}/artifact/run/{file}")

    def log(self, name: str, number: int) -> str:
        try:
            return self.get(f"job/osci-functional-{name}/{number}/consoleText").decode()
        except urllib.error.HTTPError:
            return ""  # it has not begun yet

    def wait_for_log(self, name: str, number: int, text: str) -> None:
        until = time.monotonic() + DEADLINE_SECONDS
        while text not in self.log(name, number):
            assert time.monotonic() < until, f"{name} {number} does not say {text!r}"
            time.sleep(0.2)

    def run_directory(self, name: str, family: str = "functional") -> Path:
        """Where the run of the job's last build is on the agent."""
        workspace = self.osci.state / "agents" / self.group / "workspace"
        return workspace / f"osci-{family}-{name}" / "run"

    def on_host(self, *words: str) -> str:
        done = self.osci("ssh", self.group, "hudson", *words)
        assert done.code == 0, done.err
        return done.out
