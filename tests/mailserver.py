# SPDX-License-Identifier: Apache-2.0
"""Mail servers of the tests' own: a real one, and one that says what it is told to."""

import asyncio
import functools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from acceptor import Acceptor
from aiosmtpd.smtp import SMTP, AuthResult

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", ".")
USER, PASSWORD = "bob", "s3cret-of-bob"


@dataclass(frozen=True)
class Mail:
    """A mail that a server took: from whom, to whom, and its bytes."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    @functools.cached_property
    def id(self) -> str:
        return self.message["Message-ID"]


class Mailbox:
    """aiosmtpd on a port of its own; it keeps every mail, and once by Message-ID.

    `before` is called with each of MAIL, RCPT and DATA, and may return another reply.
    """

    def __init__(self, context: ssl.SSLContext | None = None, tls: str = "none"):
        self.mails: list[Mail] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.before: Callable[[str], str | None] = lambda _: None
        self._loop = asyncio.new_event_loop()
        is_starttls = tls == "starttls"
        settings = {
            "tls_context": context if is_starttls else None,
            "require_starttls": is_starttls,
            "auth_require_tls": is_starttls,
            "authenticator": self._log_in,
        }
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(self, loop=self._loop, hostname="mailbox", **settings),
                *("127.0.0.1", 0),
                ssl=context if tls == "tls" else None,
            )
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def kept(self) -> dict[str, Mail]:
        """The mails as a mailbox has them that drops what it got before."""
        return {mail.id: mail for mail in self.mails}

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802
        envelope.mail_from = address
        return self.before("MAIL") or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if reply := self.before("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        reply = self.before("DATA")
        if not reply:
            self.mails.append(Mail(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return reply or "250 OK"

    def _log_in(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


class Rude:
    """A server that says what it is told to at each of STEPS, and else what is right.

    An answer is bytes, or a function of the connection; of a list the last one stays.
    """

    def __init__(self, **answers):
        self.answers = answers
        self.offers = b""
        self.seen: list[str] = []
        self.mails: list[bytes] = []  # those that it took
        self.received: list[bytes] = []  # up to the final dot, whatever it said then
        self._acceptor = Acceptor(self._welcome)
        self.port = self._acceptor.port

    def close(self):
        self._acceptor.close()

    def _welcome(self, connection: socket.socket):
        threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket):
        try:
            with connection, connection.makefile("rb") as lines:
                self._say(connection, "greeting", b"220 rude\r\n")
                for line in lines:
                    self._answer(connection, lines, line[:4].decode("latin-1").strip().upper())
        except (OSError, ValueError):
            pass  # the client has had enough, or was closed

    def _answer(self, connection: socket.socket, lines, command: str):
        right = {"EHLO": b"250-rude\r\n" + self.offers + b"250 HELP\r\n", "DATA": b"354 go on\r\n"}
        if self._say(connection, command, right.get(command, b"250 OK\r\n")) == b"354 go on\r\n":
            content = _content(lines)
            if content is None:
                return
            self.received.append(content)
            if self._say(connection, ".", b"250 OK\r\n").startswith(b"250"):
                self.mails.append(content)

    def _say(self, connection: socket.socket, step: str, right: bytes) -> bytes:
        self.seen.append(step)
        answer = self.answers.get(step, right)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(connection) or right
        connection.sendall(answer)
        return answer


def _content(lines) -> bytes | None:
    """Return what comes before the final dot; None when the client goes before it."""
    found = []
    for line in lines:
        if line == b".\r\n":
            return b"".join(found)
        found.append(line)
    return None


def close(connection: socket.socket):
    """Close the connection without a word."""
    connection.shutdown(socket.SHUT_RDWR)
    raise OSError


def drip(connection: socket.socket):
    """Say something without an end, and slowly."""
    for _ in range(600):
        connection.sendall(b"2")
        time.sleep(0.1)


def drip_lines(connection: socket.socket):
    """Go on with a reply without an end, and slowly."""
    for _ in range(600):
        connection.sendall(b"250-x\r\n")
        time.sleep(0.1)


def flood(connection: socket.socket):
    """Say more than anybody wants to hear."""
    for _ in range(1024):
        connection.sendall(b"250-" + b"x" * 500 + b"\r\n" * 16)


def flood_line(connection: socket.socket):
    """Say more than anybody wants to hear, in one line."""
    for _ in range(1024):
        connection.sendall(b"2" * (1 << 16))


def hang(connection: socket.socket):
    """Say nothing for longer than anybody waits."""
    time.sleep(60)


def make_certificate(directory: Path, names: str) -> tuple[Path, ssl.SSLContext]:
    """Return a new certificate for these names, and what a server needs to show it."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return certificate, context
