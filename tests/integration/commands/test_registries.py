# SPDX-License-Identifier: Apache-2.0
"""Tests of the clients of registries, with a registry of the test's own."""

import http.server
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import registries

DEAD = "http://me:secret@127.0.0.1:9"


class Registry(http.server.BaseHTTPRequestHandler):
    """An apt mirror and a pip index at once, whose clock is an hour behind."""

    PAGE = (
        b'<a href="keystone-1.0-py3-none-any.whl">keystone-1.0-py3-none-any.whl</a>'
        b'<a href="https://files.example:8443/keystone-2.0-py3-none-any.whl#sha256=0">2</a>'
    )
    STATUS = {"/simple/absent/": 404, "/simple/broken/": 503}

    def do_GET(self):
        self.send_response(self.STATUS.get(self.path, 200))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.PAGE)))
        self.end_headers()
        self.wfile.write(self.PAGE)

    def date_time_string(self, timestamp=None):
        then = datetime.now(UTC) - timedelta(hours=1)
        return f"{then:%a, %d %b %Y %H:%M:%S GMT}"

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    """Have no proxy between the clients and the registry."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
    for name in (*names, "PIP_INDEX_URL", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is not here")
def test_a_mirror_that_answers_tells_its_time(address):
    told = registries.server_time(registries.ask_mirror(f"{address}/dists/bookworm/InRelease"))
    assert abs(datetime.now(UTC) - told - timedelta(hours=1)) < timedelta(seconds=10)


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is not here")
def test_a_mirror_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(InfrastructureError, match="does not answer: E: Failed") as caught:
        registries.ask_mirror(f"{DEAD}/InRelease")
    assert "secret" not in str(caught.value) + caught.value.line


def test_an_index_that_answers_is_good(address, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    registries.ask_index()


def test_an_index_that_does_not_answer_is_told_without_its_password(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{DEAD}/simple")
    with pytest.raises(InfrastructureError, match="does not answer: Could not fetch") as caught:
        registries.ask_index()
    assert "secret" not in str(caught.value) + caught.value.line


def test_an_index_tells_what_it_has_and_has_not(address, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    assert registries.has("keystone")
    assert not registries.has("absent")
    with pytest.raises(InfrastructureError, match="does not answer"):
        registries.has("broken")


def test_hosts_may_reach_the_index_its_files_and_the_mirrors(address, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{address.replace('//', '//me:secret@')}/simple")
    found = registries.reach().routes
    mirrors = {urlsplit(line.split()[1]).hostname for line in registries.sources()}
    assert {place.rpartition(":")[0] for place in found} == {"127.0.0.1", "files.example", *mirrors}
    assert found[address.removeprefix("http://")] == found["files.example:8443"] == ""
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("variables", "route"),
    [
        ({"https_proxy": "http://me:secret@company.example:3128"},) * 2,
        ({"https_proxy": "company.example:3128"}, "http://company.example:3128"),
        ({"https_proxy": "http://company.example:3128", "no_proxy": ".example"}, ""),
        ({"http_proxy": "http://company.example:3128"}, ""),
    ],
)
def test_they_are_reached_by_the_proxy_of_the_machine(address, monkeypatch, variables, route):
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in variables.items():
        before = os.environ.get(name, "")
        monkeypatch.setenv(name, f"{before},{value}" if name == "no_proxy" else value)
    expected = route if isinstance(route, str) else route["https_proxy"]
    assert registries.reach().routes["files.example:8443"] == expected


def test_a_proxy_that_is_spoken_to_by_tls_is_told(address, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("https_proxy", "https://me:secret@company.example")
    with pytest.raises(InfrastructureError, match="spoken to by 'https'"):
        registries.reach()


def test_an_index_that_is_silent_gives_no_routes(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"{DEAD}/simple")
    with pytest.raises(InfrastructureError, match="does not answer"):
        registries.reach()
