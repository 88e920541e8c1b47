# SPDX-License-Identifier: Apache-2.0
"""Git repositories of the tests' own, and servers that hand them out well or badly."""

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from acceptor import Acceptor
from speaker import Quiet

SETUP = "[metadata]\nname = {}\n"
LINES = [f"line {number}\n" for number in range(30)]
WHO = {"NAME": "Bob", "EMAIL": "bob@example.org"}


class Repository:
    """A repository with files, in which each commit is a minute younger than the last."""

    def __init__(self, path: Path, package: str = "nova"):
        self.path = path
        self.url = f"file://{path}"
        self.minutes = 0
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=master")
        self.commit("Begin", {"setup.cfg": SETUP.format(package), "api.py": "".join(LINES)})

    def git(self, *words: str, content: str | bytes = b"", **variables: str) -> str:
        """Run git in it with no settings but its own; return what it says."""
        date = f"{1_700_000_000 + 60 * self.minutes} +0200"
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in {**WHO, "DATE": date}.items()
        }
        nobodys = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/"}
        done = subprocess.run(
            ["git", "-c", "gc.auto=0", *words],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], **nobodys, **who, **variables},
            input=content.encode() if isinstance(content, str) else content,
            capture_output=True,
            check=False,
        )
        assert not done.returncode, done.stderr.decode()
        return os.fsdecode(done.stdout).removesuffix("\n")

    def commit(self, subject: str, files: dict[str, str | bytes | None]) -> str:
        """Commit these files, those that are None removed; return the commit."""
        self.minutes += 1
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={subject}")
        return self.id("HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-b", name, start)

    def checkout(self, name: str) -> None:
        self.git("checkout", "--quiet", name)

    def id(self, name: str) -> str:
        return self.git("rev-parse", "--verify", name)

    def tree(self, name: str) -> str:
        return self.id(f"{name}^{{tree}}")


def changed(*changes: tuple[int, str]) -> str:
    """Return the lines of `api.py` with some of them changed."""
    lines = list(LINES)
    for number, text in changes:
        lines[number] = text + "\n"
    return "".join(lines)


def nova(path: Path) -> Repository:
    """Return a repository whose branches meet trunk in each way."""
    made = Repository(path)
    made.git("tag", "--annotate", "--message=one", "1.0.0")
    made.git("tag", "not-a-version")
    made.commit("Add a log", {"log.py": "log\n"})
    made.git("tag", "2.0.0.0rc1")
    made.branch("spiffy")
    made.commit("Be spiffy", {"api.py": changed((0, "spiffy"))})
    made.commit("Be more spiffy", {"spiffy.py": "spiffy\n"})
    made.branch("clash", "spiffy")
    made.commit("Clash with floats", {"api.py": changed((0, "spiffy"), (20, "clash"))})
    made.branch("later", "master")
    made.checkout("master")
    made.commit("Fix floats", {"api.py": changed((20, "fixed"))})
    made.git("tag", "--annotate", "--message=tree", "of-a-tree", "HEAD^{tree}")
    made.git("branch", "both", "spiffy")
    made.git("tag", "both", "master")
    made.git("update-ref", "refs/changes/45/12345/3", "spiffy")
    return made


class Handler(Quiet):
    """Answers by `git http-backend`, unless its server has something else in store."""

    def do_GET(self):  # noqa: N802
        self._serve(b"")

    def do_POST(self):  # noqa: N802
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes):
        smart = self.server.smart
        smart.requests.append(f"{self.command} {self.path}")
        smart.look_around()
        if smart.instead:
            return smart.instead.pop(0)(self)
        if smart.account and self.headers.get("Authorization") != smart.account:
            return status(401, WWW_Authenticate="Basic realm=git")(self)
        return self._hand_out(body)

    def _hand_out(self, body: bytes):
        smart = self.server.smart
        place = urlsplit(self.path)
        variables = {
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(smart.directory),
            "GIT_PROTOCOL": "" if smart.is_old else self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "PATH": os.environ["PATH"],
            "PATH_INFO": place.path,
            "QUERY_STRING": place.query,
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": self.command,
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=variables, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self._say(content)

    def _say(self, content: bytes):
        smart = self.server.smart
        if smart.stalls and b"PACK" in content:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            smart.is_stalled.set()
            time.sleep(20)
        else:
            self.wfile.write(content)


def status(code: int, content: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    """Answer with a status instead of a repository."""

    def answer(handler: Handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def close(handler: Handler):
    """Close the connection without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang(handler: Handler):
    """Say nothing."""
    time.sleep(5)


class Smart:
    """Smart HTTP for all repositories below a directory.

    `instead` are answers that come first; with `stalls` no pack comes whole. `seen` says
    whether `secret` was on the command line of any process while a request came. One that
    `is_old` speaks the first version of git's protocol, by which only refs are handed out.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.requests: list[str] = []
        self.instead: list[Callable[[Handler], None]] = []
        self.account = ""
        self.secret = b""
        self.seen = False
        self.is_old = False
        self.stalls = False
        self.is_stalled = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.smart = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ask_for(self, user: str, password: str) -> None:
        self.secret = password.encode()
        self.account = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def look_around(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline") if self.secret else ():
            try:
                self.seen |= self.secret in path.read_bytes()
            except OSError:
                pass  # it has ended

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Listener:
    """A TCP server that says these bytes to whoever comes, and closes, or does not."""

    def __init__(self, says: bytes, closes: bool = True):
        self._says, self._closes = says, closes
        self._open: list[socket.socket] = []
        self._acceptor = Acceptor(self._answer)
        self.port = self._acceptor.port

    def _answer(self, connection: socket.socket):
        self._open.append(connection)
        connection.sendall(self._says)
        if self._closes:
            connection.close()

    def close(self):
        self._acceptor.close()
        for connection in self._open:
            connection.close()


# Fetches as a program of its own: cache, URL, ref.
FETCHING = """
import sys
from pathlib import Path
from osci_jobs.sources import mirror
from osci_jobs.sources.attempts import Patience
with mirror.claimed(Path(sys.argv[1]), "nova") as repository:
    print(mirror.fetch(repository, *sys.argv[2:4], Patience(30, print, ()), True).commit)
"""


def start_fetching(cache: Path, url: str, ref: str) -> subprocess.Popen:
    """Start a fetch into the mirror of nova as another process."""
    return subprocess.Popen(
        [sys.executable, "-c", FETCHING, str(cache), url, ref],
        stdout=subprocess.PIPE,
        text=True,
    )
