# SPDX-License-Identifier: Apache-2.0
"""A project of a Gerrit under test, and a developer's clone of it."""

import os
import subprocess
import uuid
from pathlib import Path
from urllib.parse import quote

from gerrit.server import DEVELOPER, EMAIL, Gerrit

# Nothing of who runs the tests, and no question to them.
ENVIRONMENT = {
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_AUTHOR_NAME": "dev",
    "GIT_COMMITTER_EMAIL": EMAIL,
    "GIT_COMMITTER_NAME": "dev",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "LANG": "C.UTF-8",
    "PATH": os.environ["PATH"],
}


class Repository:
    """A project with one empty commit on master; `url` is where anybody fetches it from."""

    def __init__(self, gerrit: Gerrit, name: str, directory: Path):
        self._gerrit = gerrit
        self._path = f"projects/{quote(name, safe='')}"
        self._directory = directory
        self.name = name
        self.url = gerrit.url + quote(name)
        gerrit.ask("PUT", self._path, {"create_empty_commit": True})
        account = ":".join(DEVELOPER)
        url = gerrit.url.replace("://", f"://{account}@", 1) + f"a/{quote(name)}"
        directory.mkdir(parents=True)
        self.git("clone", "--quiet", url, ".")

    def git(self, *words: str, **variables: str) -> str:
        """Return what git says in the clone, with these variables in its environment."""
        done = subprocess.run(
            ["git", *words],
            cwd=self._directory,
            env=ENVIRONMENT | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make_branch(self, name: str):
        self._gerrit.ask("PUT", f"{self._path}/branches/{quote(name, safe='')}", {})
        self.git("fetch", "--quiet")

    def propose(self, subject: str, branch: str = "master", **files: str) -> int:
        """Upload a new change with one commit on top of the branch, and return its number."""
        self.git("checkout", "--quiet", "--detach", f"origin/{branch}")
        change = f"I{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}"
        self._write(files)
        self.git("commit", "--quiet", f"--message={subject}\n\nChange-Id: {change}")
        self._push(branch)
        return self._gerrit.ask("GET", f"changes/?q=change:{change}")[0]["_number"]

    def amend(self, branch: str = "master", **files: str):
        """Upload one more patch set of what was proposed last."""
        self._write(files)
        self.git("commit", "--quiet", "--amend", "--no-edit")
        self._push(branch)

    def submit(self, number: int):
        """Let a change become part of its branch."""
        self.change("revisions/current/review", number, {"labels": {"Code-Review": 2}})
        self.change("submit", number)
        self.git("fetch", "--quiet")

    def change(self, act: str, number: int, content: dict | None = None, method: str = "POST"):
        """Do what an administrator may do to a change: abandon it, set its topic."""
        self._gerrit.ask(method, f"changes/{number}/{act}", content or {})

    def merged(self, commit: str) -> tuple[str, str]:
        """Return commit and tree of git's own merge with master, dated as osci dates it."""
        self.git("checkout", "--quiet", "--detach", "origin/master")
        newest = max(self.git("log", "--no-walk", "--format=%ct", "HEAD", commit).split())
        who = {"NAME": "osci", "EMAIL": "osci@localhost", "DATE": f"@{newest} +0000"}
        dated = {f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}
        message = f"--message=Merge commit '{commit}'"
        self.git("merge", "--quiet", "--no-ff", message, commit, **dated)
        return self.git("rev-parse", "HEAD"), self.git("rev-parse", "HEAD^{tree}")

    def _write(self, files: dict[str, str]):
        for name, text in files.items():
            (self._directory / name).write_text(text)
        self.git("add", "--all")

    def _push(self, branch: str):
        self.git("push", "--quiet", "origin", f"HEAD:refs/for/{branch}")
