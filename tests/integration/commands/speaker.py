# SPDX-License-Identifier: Apache-2.0
"""A server of the test's own that says what it is told to, right or wrong."""

import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

JOB = "osci-functional-basic"
PAGE = "<html><form action='j_acegi_security_check'>Log in</form></html>"


class Quiet(BaseHTTPRequestHandler):
    """Keeps no log, and takes it when a client has had enough."""

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass


class Handler(Quiet):
    """Answers by the table of its server, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        self._serve("GET", b"")

    def do_POST(self):  # noqa: N802
        self._serve("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, method: str, body: bytes):
        path = urlsplit(self.path).path
        speaker = self.server.speaker
        speaker.requests.append((method, path, parse_qs(body.decode()), dict(self.headers)))
        speak = speaker.answer(method, path)
        speak(self)

    def say(self, status: int, content: bytes = b"", **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def text(content: str | bytes, status: int = 200, **headers: str) -> Callable:
    """Say this."""
    content = content.encode() if isinstance(content, str) else content
    return lambda handler: handler.say(status, content, **headers)


def document(value: object, **headers: str) -> Callable:
    """Say this as JSON."""
    return text(json.dumps(value), Content_Type="application/json", **headers)


def close(handler: Handler):
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


def hang(handler: Handler):
    """Say nothing for longer than anybody waits."""
    time.sleep(30)
    close(handler)


def go_on(handler: Handler):
    """Say something without an end, and slowly."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(300):
        handler.wfile.write(b" ")
        time.sleep(0.1)
    close(handler)


def flood(handler: Handler):
    """Say more than anybody wants to hear."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1024):
        handler.wfile.write(b"[" * (1 << 16))
    close(handler)


class Speaker:
    """A Jenkins with one job, whose build goes well; `answers` says what it says otherwise.

    An answer is for a method with a path, as a function or as a list of them of
    which the last one stays.
    """

    def __init__(self, run: dict, context: ssl.SSLContext | None = None):
        self.requests: list = []
        self.run = run
        self.log = b"+ osci functional basic\nworking\nFinished: SUCCESS\n"
        self.answers: dict[tuple[str, str], Callable | list] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.speaker = self
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._speak_as_jenkins()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str) -> Callable:
        found = self.answers.get((method, path), text("nothing", 404))
        if not isinstance(found, list):
            return found
        return found.pop(0) if len(found) > 1 else found[0]

    def asked(self, method: str, pattern: str) -> list:
        """Return the requests with this method whose path matches."""
        return [one for one in self.requests if one[0] == method and re.search(pattern, one[1])]

    def _speak_as_jenkins(self):
        build = {
            "number": 3,
            "building": False,
            "builtOn": "agent1",
            "result": "SUCCESS",
            "duration": 1500,
            "artifacts": [{"relativePath": f"run/{name}"} for name in ("run.json", "report.html")],
            "actions": [{}, {"parameters": self.parameters()}, {"causes": [{"userId": "bob"}]}],
        }
        self.build = build
        item = {"id": 7, "executable": {"number": 3}}
        self.answers |= {
            ("GET", "/"): text(PAGE, X_Jenkins="2.516", X_Hudson="1.395"),
            ("GET", f"/job/{JOB}/api/json"): document(self.job()),
            ("POST", f"/job/{JOB}/buildWithParameters"): text(
                b"", 201, Location=f"{self.url}queue/item/7/"
            ),
            ("GET", "/queue/api/json"): document({"items": []}),
            ("GET", "/queue/item/7/api/json"): document(item),
            ("GET", f"/job/{JOB}/3/api/json"): document(build),
            ("GET", f"/job/{JOB}/3/artifact/run/run.json"): document(self.run),
            ("GET", f"/job/{JOB}/3/logText/progressiveText"): self._say_log,
        }

    def parameters(self, **given: str) -> list[dict]:
        """Return the parameters of a build."""
        values = {"SUITES": "", "KEEP": "never"} | given
        return [{"name": name, "value": value} for name, value in values.items()]

    def job(self, **more: object) -> dict:
        """Return the job, with what is to be different."""
        definitions = [
            {"name": one["name"], "defaultParameterValue": {"value": one["value"]}}
            for one in self.parameters()
        ]
        return {
            "name": JOB,
            "buildable": True,
            "color": "blue_anime",
            "nextBuildNumber": 3,
            "builds": [{"number": 2, "result": "SUCCESS", "duration": 90_000}],
            "property": [{}, {"parameterDefinitions": definitions}],
        } | more

    def _say_log(self, handler: Handler):
        start = int(parse_qs(urlsplit(handler.path).query)["start"][0])
        handler.say(200, self.log[start:], X_Text_Size=str(len(self.log)))


def write_conf(path: Path, url: str, timeout: float = 3, account: bool = True) -> Path:
    """Write a file as jenkins-jobs reads it."""
    who = "user = bob\npassword = s3cret-of-bob\n" if account else ""
    path.write_text(f"[jenkins]\nurl = {url}\n{who}timeout = {timeout}\n")
    path.chmod(0o600)
    return path
