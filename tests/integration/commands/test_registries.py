# SPDX-License-Identifier: Apache-2.0
"""Tests of the clients of registries, with a registry of the test's own."""

import http.server
import shutil
import threading
from datetime import UTC, datetime, timedelta

import pytest

from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import registries

DEAD = "http://me:secret@127.0.0.1:9"


class Registry(http.server.BaseHTTPRequestHandler):
    """An apt mirror and a pip index at once, whose clock is an hour behind."""

    PAGE = b'<a href="keystone-1.0-py3-none-any.whl">keystone-1.0-py3-none-any.whl</a>'

    def do_GET(self):
        self.send_response(200)
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
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "PIP_INDEX_URL"):
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
