# SPDX-License-Identifier: Apache-2.0
"""Let programs of a network namespace reach a few addresses outside it, until it is ended.

    proxy.py NAMESPACE PORT < ROUTES

ROUTES, a JSON object, maps each address that may be reached (`pypi.org:443`) to the URL
of the proxy by which this machine reaches it, "" for none. NAMESPACE is a file of
/run/netns, "" for the own one. It listens on 127.0.0.1:PORT there, connects from here,
and prints the port that it listens on.

CONNECT and plain GET and HEAD are served. What it did is on standard error, a line for
each: `reached`, `unreachable` or `refused`, an address, and why; or `malformed`, and why.

A program of its own (standard library only), for its control group ends it.
"""

import base64
import contextlib
import ctypes
import json
import os
import re
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

CLONE_NEWNET = 0x40000000
# A client that tells more, or takes longer to tell it, is none of pip's or apt's.
_HEAD_BYTES = 16 * 1024
_HEAD_SECONDS = 20
_CONNECT_SECONDS = 20
_ANSWER_SECONDS = 10
_IDLE_SECONDS = 300
_CONNECTIONS = 64
_REFUSALS = 1000
_PIECE_BYTES = 64 * 1024

_REQUEST = re.compile(
    rb"(?P<method>[A-Z]{3,10}) (?P<target>[\x21-\x7e]{1,8192}) HTTP/1\.[01]", re.ASCII
)
_ADDRESS = re.compile(r"(?P<host>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]):(?P<port>[0-9]{1,5})")
# A request that is passed on has no body, one connection, and the host that was allowed.
_DROPPED = re.compile(
    rb"(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|content-length"
    rb"|upgrade|expect):.*",
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(rb"[A-Za-z0-9-]+:[\t\x20-\x7e\x80-\xff]*")


class MalformedError(Exception):
    """A request that is none that is served: the status to answer with, and the reason."""


@dataclass(frozen=True)
class Request:
    """What a client asks for: `path` and `headers` are of a plain request only."""

    address: str
    method: str
    path: str = ""
    headers: tuple[bytes, ...] = ()
    rest: bytes = b""


class Proxy:
    """The routes, and what was written down of them."""

    def __init__(self, routes: dict[str, str]) -> None:
        self._routes = routes
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)
        self._refusals = 0
        self._states: dict[str, str] = {}
        self._lock = threading.Lock()

    def serve(self, listener: socket.socket) -> None:
        """Accept clients for good, each in a thread of its own."""
        while True:
            self._slots.acquire()
            client, _ = listener.accept()
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        try:
            with client:
                self._answer(client)
        except OSError:
            pass  # the client went away, or its connection to the outside did
        finally:
            self._slots.release()

    def _answer(self, client: socket.socket) -> None:
        try:
            request = parse(*read_head(client))
            if request.address not in self._routes:
                self._refuse(
                    client, "refused", "403 Forbidden", f"{request.address} is not allowed"
                )
                return
        except MalformedError as error:
            self._refuse(client, "malformed", *error.args)
            return
        route = self._routes[request.address]
        try:
            server, early = connect(request, route)
        except (OSError, MalformedError) as error:
            self._note_state(request.address, "unreachable", str(error.args[-1]))
            self._send(client, "502 Bad Gateway", f"{request.address} cannot be reached")
            return
        with server:
            self._note_state(request.address, "reached")
            if request.method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n" + early)
                server.sendall(request.rest)
                is_answered = relay(client, server) or bool(early)
            else:
                server.sendall(passed_on(request, route))
                # Nothing more of the client is passed on: it may be for another address.
                is_answered = relay_answer(client, server)
        if not is_answered:
            self._note_state(request.address, "unreachable", "it said nothing")

    def _refuse(self, client: socket.socket, state: str, status: str, reason: str) -> None:
        self._refusals += 1
        if self._refusals <= _REFUSALS:
            self._note(state, reason)
        self._send(client, status, reason)

    @staticmethod
    def _send(client: socket.socket, status: str, reason: str) -> None:
        body = f"{reason}\n".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        # A reset would take the answer from a client that still sends.
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            client.settimeout(1)
            client.recv(_PIECE_BYTES)

    def _note_state(self, address: str, state: str, reason: str = "") -> None:
        """Note when an address is reached that was not, and when it no longer is."""
        before = self._states.get(address)
        self._states[address] = state
        if state != before:
            self._note(state, address, reason)

    def _note(self, *words: str) -> None:
        line = " ".join(words).strip().encode("unicode_escape").decode("ascii")
        with self._lock:
            print(line[:500], file=sys.stderr, flush=True)


def read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """Return a request's head, and what came after it; raise MalformedError without one."""
    until = time.monotonic() + _HEAD_SECONDS
    data = b""
    while b"\r\n\r\n" not in data:
        left = until - time.monotonic()
        if len(data) > _HEAD_BYTES:
            raise MalformedError("431 Request Header Fields Too Large", "the head is too large")
        if left <= 0 or not select.select([client], [], [], left)[0]:
            raise MalformedError("408 Request Timeout", "the head did not come in time")
        piece = client.recv(4096)
        if not piece:
            raise MalformedError("400 Bad Request", "the head is not whole")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def parse(head: bytes, rest: bytes) -> Request:
    """Return what a head asks for; raise MalformedError for what is not served."""
    line, *headers = head.split(b"\r\n")
    match = _REQUEST.fullmatch(line)
    if not match or not all(_HEADER.fullmatch(header) for header in headers):
        raise MalformedError("400 Bad Request", "the request is malformed")
    method, target = match["method"].decode(), match["target"].decode()
    if method == "CONNECT":
        return Request(address_of(target), method, rest=rest)
    if method not in ("GET", "HEAD"):
        raise MalformedError("405 Method Not Allowed", f"{method} is not served")
    scheme, _, place = target.partition("://")
    host, slash, path = place.partition("/")
    if scheme.lower() != "http":
        raise MalformedError("400 Bad Request", "the target is not a whole http URL")
    address = address_of(host if re.search(r":[0-9]+$", host) else f"{host}:80")
    kept = tuple(header for header in headers if not _DROPPED.fullmatch(header))
    return Request(address, method, slash + path or "/", kept)


def address_of(text: str) -> str:
    """Return an address as routes spell it; raise MalformedError for what is none."""
    match = _ADDRESS.fullmatch(text.lower())
    if not match:
        raise MalformedError("400 Bad Request", "the target is no HOST:PORT")
    return f"{match['host'].rstrip('.')}:{int(match['port'])}"


def connect(request: Request, route: str) -> tuple[socket.socket, bytes]:
    """Return a connection to where a request goes, and what came from there already.

    Raises OSError, or MalformedError when the machine's own proxy speaks no HTTP.
    """
    address = request.address
    if route:
        proxy = urlsplit(route)
        address = f"{proxy.hostname}:{proxy.port or 80}"
    host, _, port = address.rpartition(":")
    server = socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS)
    try:
        early = ask_for_tunnel(server, request, route) if route else b""
        server.settimeout(_IDLE_SECONDS)
    except BaseException:
        server.close()
        raise
    return server, early


def ask_for_tunnel(server: socket.socket, request: Request, route: str) -> bytes:
    """Have the machine's proxy connect to the address, where that is what was asked for."""
    if request.method != "CONNECT":
        return b""
    lines = [f"CONNECT {request.address} HTTP/1.1", f"Host: {request.address}", *account(route)]
    server.sendall("\r\n".join([*lines, "", ""]).encode())
    head, early = read_head(server)
    status = head.split(b"\r\n")[0].decode("latin-1")
    if not re.match(r"HTTP/1\.[01] 2[0-9][0-9]", status):
        raise ConnectionError(f"this machine's proxy said: {status[:100]}")
    return early


def account(route: str) -> list[str]:
    """Return the header by which this machine's proxy knows who asks, if it has to."""
    parts = urlsplit(route)
    if parts.username is None:
        return []
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return [f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}"]


def passed_on(request: Request, route: str) -> bytes:
    """Return a plain request as the next server is to see it."""
    host = request.address.removesuffix(":80")
    target = f"http://{host}{request.path}" if route else request.path
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    head = "\r\n".join([*lines, *(account(route) if route else [])]).encode()
    return b"\r\n".join([head, *request.headers, b"", b""])


def relay(client: socket.socket, server: socket.socket) -> bool:
    """Carry bytes both ways until both sides have ended, or neither says anything for long.

    Returns whether the server said anything, or had no time to before the client left.
    """
    started = time.monotonic()
    client.settimeout(_IDLE_SECONDS)
    other = {client: server, server: client}
    has_answered = has_left = False
    with contextlib.suppress(OSError):
        while other and (ready := select.select(list(other), [], [], _IDLE_SECONDS)[0]):
            for source in ready:
                piece = received(source)
                has_answered |= bool(piece) and source is server
                has_left |= not piece and source is client and server in other
                if piece:
                    other[source].sendall(piece)
                else:
                    # One side may have said all while the other still answers.
                    other.pop(source).shutdown(socket.SHUT_WR)
    return has_answered or (has_left and time.monotonic() - started < _ANSWER_SECONDS)


def relay_answer(client: socket.socket, server: socket.socket) -> bool:
    """Carry an answer to the client, up to its end; return whether there was any."""
    client.settimeout(_IDLE_SECONDS)
    has_answered = False
    with contextlib.suppress(OSError):
        while piece := received(server):
            has_answered = True
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
    return has_answered


def received(source: socket.socket) -> bytes:
    """Return what one side says, nothing when it has said all or is gone."""
    try:
        return source.recv(_PIECE_BYTES)
    except OSError:
        return b""


def listen(namespace: str, port: int) -> socket.socket:
    """Return a socket that listens in a network namespace; this process stays in its own.

    A socket belongs to the namespace that its maker is in at that moment.
    """
    with open("/proc/self/ns/net", "rb") as own:
        if namespace:
            enter(Path(namespace))
        try:
            return socket.create_server(("127.0.0.1", port), backlog=_CONNECTIONS)
        finally:
            if namespace:
                enter(Path(f"/proc/self/fd/{own.fileno()}"))


def enter(namespace: Path) -> None:
    """Put this thread into a network namespace (setns(2), which Python has from 3.12 on)."""
    library = ctypes.CDLL(None, use_errno=True)
    with namespace.open("rb") as file:
        if library.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(namespace))


def main(namespace: str, port: str) -> None:
    """Serve for good."""
    routes = json.load(sys.stdin)
    with listen(namespace, int(port)) as listener:
        print(listener.getsockname()[1], flush=True)
        Proxy(routes).serve(listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
