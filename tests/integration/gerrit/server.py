# SPDX-License-Identifier: Apache-2.0
"""A Gerrit of the tests' own: its program from Maven Central, its site in a directory.

Nobody publishes its war as an artifact, but the framework for tests of its plugins
holds the program that is in it, all but the pages.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import IO, Any

from git_daemon import free_port

from osci_jobs import groups
from osci_jobs.groups import maven, tools

HERE = Path(__file__).parent
# What a command is called, and the package that brings it.
PACKAGES = {"git": "git", "java": "default-jre-headless", "mvn": "maven"}
ADMIN = ("admin", "secret")  # so made by `init --dev`
DEVELOPER = ("dev", "dev-secret")
EMAIL = "dev@example.org"
# Compiled simply and collected by one thread, it starts in a third of the time.
FLAGS = ("-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
START_SECONDS = 180
END_SECONDS = 60


def install_packages():
    """Install the Debian packages that are missing."""
    packages = [package for tool, package in PACKAGES.items() if not shutil.which(tool)]
    if packages:
        subprocess.run(["apt-get", "update"], check=True)
        subprocess.run([*tools.INSTALL, *packages], check=True)


def fetch_artifacts(state: Path) -> Path:
    """Return the directory of Gerrit's jars, in the cache that osci itself uses."""
    cache = Path(os.environ.get("OSCI_CACHE_DIR") or "~/.cache/osci").expanduser()
    ledger = groups.open_ledger(state, "osci-artifacts", "run")
    try:
        return maven.ensure(ledger, cache, HERE / "artifacts.json", 300, print)
    finally:
        groups.delete(ledger)


class Gerrit:
    """A server under a path of its own, as behind a proxy, on this machine alone."""

    def __init__(self, jars: Path, directory: Path):
        self.url = f"http://127.0.0.1:{free_port()}/review/"
        self._jars = jars
        self._site = directory / "site"
        self._log = directory / "gerrit.log"
        self._process: subprocess.Popen | None = None

    def start(self):
        """Make the site, start the server, wait for it and let a developer in."""
        with self._log.open("wb") as log:
            self._make_site(log)
            # Or it would live on when the tests are killed.
            bound = ["setpriv", "--pdeathsig", "KILL"]
            daemon = self._command("daemon", "--console-log", "--headless")
            self._process = subprocess.Popen([*bound, *daemon], stdout=log, stderr=log)
        self._wait()
        user, password = DEVELOPER
        account = {"name": user, "http_password": password, "email": EMAIL}
        self.ask("PUT", f"accounts/{user}", account)

    def stop(self):
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            finally:
                self._process.kill()
                self._process.wait()

    def ask(self, method: str, path: str, content: Any = None, who=ADMIN) -> Any:
        """Return what its REST interface answers an account."""
        basic = b64encode(":".join(who).encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content).encode()
        url = f"{self.url}a/{path}"
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode().removeprefix(")]}'")
        return json.loads(text) if text else None

    def _make_site(self, log: IO):
        configuration = self._site / "etc" / "gerrit.config"
        configuration.parent.mkdir(parents=True)
        shutil.copy(HERE / "gerrit.config", configuration)
        quiet = ("--batch", "--dev", "--skip-plugins", "--no-auto-start")
        subprocess.run(self._command("init", *quiet), stdout=log, stderr=log, check=True)
        # A copy of the largest artifact, which nobody reads.
        (self._site / "bin" / "gerrit.war").unlink()
        # Only now, for `init` takes the path off.
        for key in ("gerrit.canonicalWebUrl", "httpd.listenUrl"):
            subprocess.run(["git", "config", "--file", configuration, key, self.url], check=True)

    def _command(self, act: str, *words: str) -> list[str]:
        properties = (
            f"-Dlog4j.configuration=file:{HERE / 'log4j.properties'}",
            "-Dflogger.backend_factory=com.google.common.flogger.backend.log4j.Log4jBackendFactory#getInstance",
            "-Dflogger.logging_context=com.google.gerrit.server.logging.LoggingContext#getInstance",
        )
        program = ("-cp", f"{self._jars}/*", "com.google.gerrit.launcher.GerritLauncher")
        return ["java", *FLAGS, *properties, *program, act, "-d", str(self._site), *words]

    def _wait(self):
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.ask("GET", "config/server/version")
            except OSError:
                assert self._process.poll() is None, self._log.read_text()[-4_000:]
                assert time.monotonic() < until, self._log.read_text()[-4_000:]
                time.sleep(0.1)
