# SPDX-License-Identifier: Apache-2.0
"""Tests of the proxy to the registries, with servers and a machine's proxy of the tests' own."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from osci_jobs.groups import proxy

PROGRAM = Path(proxy.__file__)


class Server:
    """A server for one kind of client; it keeps what each of them said."""

    def __init__(self, answer: Callable[[socket.socket, bytes], None]):
        self.heard: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            with contextlib.suppress(ConnectionError):
                client, _ = self._listener.accept()
                with client:
                    client.settimeout(10)
                    said = client.recv(65536)
                    if said == b"end":
                        return
                    self.heard.append(said)
                    self._answer(client, said)

    def end(self):
        with socket.create_connection(self._listener.getsockname()) as client:
            client.sendall(b"end")
        self._thread.join()
        self._listener.close()


def echo(client: socket.socket, said: bytes):
    """Say what was heard until the client has said all, then goodbye."""
    while said:
        client.sendall(said)
        said = client.recv(65536)
    client.sendall(b"goodbye")


def page(client: socket.socket, _said: bytes):
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")


def tunnel(client: socket.socket, said: bytes):
    """Be the proxy of a company: connect to nothing, and echo."""
    if said.startswith(b"CONNECT"):
        client.sendall(b"HTTP/1.1 200 Yes\r\n\r\nearly ")
        echo(client, client.recv(65536))
    else:
        page(client, said)


def refuse(client: socket.socket, _said: bytes):
    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")


@pytest.fixture
def serve():
    """Start servers that end with the test."""
    servers = []

    def start(answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


class Running:
    """The proxy as a program of its own."""

    def __init__(self, log: Path, routes: dict[str, str], namespace: str = ""):
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PROGRAM), namespace, "0"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self.process.stdin.write(json.dumps(routes))
        self.process.stdin.close()
        self.port = int(self.process.stdout.readline())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, *said: bytes) -> bytes:
        """Say something in pieces and that it was all; return the whole answer."""
        with self.connect() as client:
            for piece in said:
                client.sendall(piece)
                time.sleep(0.05)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
            return rest_of(client)

    @property
    def notes(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def start(tmp_path):
    """Start proxies that end with the test."""
    running = []

    def begin(routes: dict[str, str]) -> Running:
        running.append(Running(tmp_path / f"log{len(running)}", routes))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()


def rest_of(client: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            data += piece
    return data


def connect_to(address: str, *headers: str) -> bytes:
    return "\r\n".join([f"CONNECT {address} HTTP/1.1", *headers, "", ""]).encode()


def test_an_allowed_address_is_reached_by_a_tunnel(serve, start):
    server = serve(echo)
    running = start({server.address: ""})
    answer = running.ask(connect_to(server.address), b"hello")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nhellogoodbye"
    assert running.notes == [f"reached {server.address}"]


def test_what_is_said_right_after_the_head_is_not_lost(serve, start):
    server = serve(echo)
    answer = start({server.address: ""}).ask(connect_to(server.address) + b"at once")
    assert answer.endswith(b"\r\n\r\nat oncegoodbye")


def test_the_name_of_a_host_may_be_in_capitals_and_end_with_a_dot(serve, start):
    server = serve(echo)
    name = server.address.replace("127.0.0.1", "localhost")
    running = start({name: ""})
    spelt = name.replace("localhost", "LOCALHOST.")
    assert running.ask(connect_to(spelt), b"x").endswith(b"xgoodbye")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:22",
        "localhost:443",
        "[::1]:443",
        "169.254.169.254:80",
        "pypi.org:80",
        "pypi.org:22",
        "pypi.org.example:443",
        "evil-pypi.org:443",
        "2130706433:443",
        "0x7f.1:443",
    ],
)
def test_any_other_address_is_refused(start, address):
    running = start({"pypi.org:443": ""})
    assert running.ask(connect_to(address)).startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert running.notes == [f"refused {address} is not allowed"]


def test_a_plain_request_is_passed_on_without_what_is_for_the_proxy(serve, start):
    server = serve(page)
    running = start({server.address: ""})
    head = (
        f"GET http://{server.address}/dists/InRelease?x=1 HTTP/1.1\r\n"
        "Host: elsewhere.example\r\nAccept: text/*\r\nProxy-Authorization: Basic eDp5\r\n"
        "Connection: keep-alive\r\n\r\n"
    )
    assert running.ask(head.encode()).endswith(b"\r\n\r\npage")
    assert server.heard == [
        (
            f"GET /dists/InRelease?x=1 HTTP/1.1\r\nHost: {server.address}\r\n"
            "Connection: close\r\nAccept: text/*\r\n\r\n"
        ).encode()
    ]


def test_a_second_request_on_the_same_connection_goes_nowhere(serve, start):
    server = serve(page)
    request = f"GET http://{server.address}/ HTTP/1.1\r\n\r\n".encode()
    other = b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n"
    assert start({server.address: ""}).ask(request + other).count(b"page") == 1
    assert b"elsewhere" not in b"".join(server.heard)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET https://pypi.org/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://user@pypi.org/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://pypi.org:443@evil.example/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http:///x HTTP/1.1\r\n\r\n", 400),
        (b"POST http://pypi.org:443/legacy/ HTTP/1.1\r\n\r\n", 405),
        (b"CONNECT pypi.org HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT pypi.org:443:22 HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT pypi.org:443 HTTP/1.1 HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT pypi.org:443 HTTP/2\r\n\r\n", 400),
        (b"CONNECT pypi.org\x00:443 HTTP/1.1\r\n\r\n", 400),
        (b"GET http://pypi.org:443/ HTTP/1.1\r\nA: b\nHost: c\r\n\r\n", 400),
        (b"GET http://pypi.org:443/ HTTP/1.1\r\n folded: yes\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"nonsense", 400),
        (b"GET " + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT pypi.org:443 HTTP/1.1\r\n" + b"A: b\r\n" * 10_000, 431),
    ],
)
def test_what_is_not_served_is_refused(start, said, status):
    running = start({"pypi.org:443": ""})
    assert running.ask(said).startswith(f"HTTP/1.1 {status} ".encode())
    assert [note.partition(" ")[0] for note in running.notes] == ["malformed"]


def test_slow_and_silent_clients_do_not_keep_others_waiting(serve, start):
    server = serve(echo)
    running = start({server.address: ""})
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            silent = stack.enter_context(running.connect())
            silent.sendall(b"CONNECT py")
        assert running.ask(connect_to(server.address), b"quick").endswith(b"quickgoodbye")
        slow = [bytes([byte]) for byte in connect_to(server.address)]
        assert running.ask(*slow, b"slow").endswith(b"slowgoodbye")


def test_much_is_carried_and_a_client_that_goes_does_no_harm(serve, start):
    server = serve(echo)
    running = start({server.address: ""})
    with running.connect() as rude:
        rude.sendall(connect_to(server.address) + b"x" * 100_000)
    much = b"0123456789" * 200_000
    with running.connect() as client:
        client.sendall(connect_to(server.address))
        sender = threading.Thread(target=send_all, args=(client, much))
        sender.start()
        answer = rest_of(client)
        sender.join()
    assert answer.partition(b"\r\n\r\n")[2] == much + b"goodbye"


def send_all(client: socket.socket, data: bytes):
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def test_what_cannot_be_reached_is_noted_until_it_is(serve, start):
    server = serve(echo)
    running = start({"127.0.0.1:9": "", "no-such-host.invalid:443": "", server.address: ""})
    for address in ("127.0.0.1:9", "127.0.0.1:9", "no-such-host.invalid:443"):
        assert running.ask(connect_to(address)).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    running.ask(connect_to(server.address))
    first, second, third = running.notes
    assert first == "unreachable 127.0.0.1:9 Connection refused"
    assert second.startswith("unreachable no-such-host.invalid:443 ")
    assert third == f"reached {server.address}"


@pytest.mark.parametrize("is_tunnel", [True, False])
def test_a_server_that_ends_without_a_word_is_noted(serve, start, until, is_tunnel):
    server = serve(lambda client, _said: client.close())
    running = start({server.address: ""})
    plain = f"GET http://{server.address}/ HTTP/1.1\r\n\r\n".encode()
    with running.connect() as client:
        client.sendall(connect_to(server.address) + b"hello" if is_tunnel else plain)
        rest_of(client)
    until(lambda: len(running.notes) == 2)
    assert running.notes == [
        f"reached {server.address}",
        f"unreachable {server.address} it said nothing",
    ]


def test_a_client_that_leaves_at_once_does_not_speak_against_the_server(serve, start):
    server = serve(echo)
    running = start({server.address: ""})
    with running.connect() as client:
        client.sendall(connect_to(server.address))
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert running.ask(connect_to(server.address), b"x").endswith(b"xgoodbye")
    assert running.notes == [f"reached {server.address}"]


def test_a_tunnel_goes_through_the_proxy_of_the_machine(serve, start):
    company = serve(tunnel)
    running = start({"pypi.org:443": f"http://me:s%40cret@{company.address}"})
    answer = running.ask(connect_to("pypi.org:443", "User-Agent: pip"), b"hello")
    assert answer.partition(b"\r\n\r\n")[2] == b"early hellogoodbye"
    assert company.heard == [
        b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n"
        b"Proxy-Authorization: Basic bWU6c0BjcmV0\r\n\r\n"
    ]


def test_a_plain_request_goes_through_the_proxy_of_the_machine(serve, start):
    company = serve(tunnel)
    running = start({"deb.debian.org:80": f"http://{company.address}"})
    request = b"GET http://deb.debian.org/debian/ HTTP/1.1\r\nHost: deb.debian.org\r\n\r\n"
    assert running.ask(request + request).endswith(b"page")
    assert company.heard == [
        b"GET http://deb.debian.org/debian/ HTTP/1.1\r\nHost: deb.debian.org\r\n"
        b"Connection: close\r\n\r\n"
    ]


def test_a_proxy_of_the_machine_that_will_not_is_told(serve, start):
    company = serve(refuse)
    running = start({"pypi.org:443": f"http://me:secret@{company.address}"})
    assert running.ask(connect_to("pypi.org:443")).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert running.notes == [
        "unreachable pypi.org:443 this machine's proxy said: "
        "HTTP/1.1 407 Proxy Authentication Required"
    ]


def test_notes_are_single_lines_and_not_without_end(start):
    running = start({"pypi.org:443": ""})
    running.ask(connect_to("x" * 253 + ":443"))
    running.ask(b"CONNECT a\x1b[31m:443 HTTP/1.1\r\n\r\n")
    assert [line.isprintable() for line in running.notes] == [True, True]


def test_no_route_is_on_the_command_line(serve, start):
    running = start({"pypi.org:443": "http://me:secret@127.0.0.1:9"})
    line = Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{running.process.pid}/environ").read_bytes()
    assert b"secret" not in line + environment
