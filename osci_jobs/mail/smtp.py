# SPDX-License-Identifier: Apache-2.0
"""The only speaker of SMTP: hands one mail to the user's server, within limits of time.

smtplib knows the commands, how replies are written, and how to log in. It does not limit
the lookup of a name, nor how long and how large a reply gets, so that is here.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from osci_jobs import signals
from osci_jobs.mail import connection
from osci_jobs.mail.connection import Limits
from osci_jobs.mail.record import REPLY_CHARACTERS
from osci_jobs.mail.settings import Settings
from osci_jobs.results.escape import clip, visible_line

ACCEPTED, TEMPORARY, REFUSED = "accepted", "temporary", "refused"

# RFC 5321 knows lines of 512 bytes; a reply has some dozen lines at most.
_REPLY_BYTES = 64 << 10
_WAYS_IN = {"CRAM-MD5", "PLAIN", "LOGIN"}  # those of smtplib
_NO_ACCOUNT = 530  # RFC 4954: log in first
_CLOSING = 421
_NO_SMTP = "what it says is no SMTP"
_PARTING_SECONDS = 2.0


@dataclass(frozen=True)
class Envelope:
    """A mail as the server gets it: from whom, to whom, and its message in ASCII."""

    sender: str
    recipient: str
    message: bytes


@dataclass(frozen=True)
class Answer:
    """What became of a mail, and why in words; `is_of_server` when others will fare alike."""

    kind: str
    reply: str
    is_of_server: bool = False


def deliver(
    settings: Settings,
    password: str,
    envelope: Envelope,
    hand_over: Callable[[], None],
    settle: Callable[[Answer], None],
) -> None:
    """Hand one mail to the server, and say to `settle` what came of it.

    `hand_over` is called when the server has all of it but the final dot, `settle` as soon
    as there is an answer, before anything else is said. Between the two no signal stops
    osci. Raises ConfigurationError when the server cannot be used as the settings say,
    which is not the mail's fault; then `settle` is not called.
    """
    limits = Limits(settings.seconds)
    context = connection.context(settings)
    try:
        with _connected(settings, context, limits) as client:
            _introduce(client, settings, password)
            _offer(client, envelope)
            with signals.blocked():
                hand_over()
                client.step("the end of the mail", client.end)
                settle(Answer(ACCEPTED, "accepted"))
            client.part()
    except _UnwelcomeError as error:
        settle(_answer(error, settings, password))
    except OSError as error:  # smtplib's own are among them
        reply = f"{connection.place(settings)}, {limits.step}: {_trouble(error, settings)}"
        settle(Answer(TEMPORARY, reply, limits.is_of_server))


class _UnwelcomeError(Exception):
    """The server does not say what was hoped for."""

    def __init__(self, step: str, code: int, reply: bytes, is_of_server: bool):
        super().__init__(f"{step}: {code}")
        self.step = step
        self.code = code
        self.text = reply.decode("utf-8", "replace")
        self.is_of_server = is_of_server


class _NonsenseError(smtplib.SMTPException):
    """What the server says is no SMTP."""


class _Replies:
    """What the server says, line by line, as the file that smtplib reads."""

    def __init__(self, reached: socket.socket, limits: Limits):
        self._socket = reached
        self._limits = limits
        self._pending = b""
        self._left = _REPLY_BYTES

    def begin(self) -> None:
        """Expect a new reply."""
        self._left = _REPLY_BYTES

    def readline(self, limit: int) -> bytes:
        """Return the next line, or b"" at the end; raises _NonsenseError for too much."""
        while b"\n" not in self._pending:
            self._socket.settimeout(self._limits.left())
            data = self._socket.recv(4096)
            if not data:
                return b""
            self._pending += data
            self._check(len(self._pending), limit)
        line, end, self._pending = self._pending.partition(b"\n")
        self._check(len(line), limit)
        self._left -= len(line) + 1
        return line + end

    def close(self) -> None:
        """Do nothing: the connection is closed by who has it."""

    def _check(self, line_bytes: int, limit: int) -> None:
        # A line that came with the next ones is no longer than what is received at once.
        if line_bytes > self._left or line_bytes >= limit:
            raise _NonsenseError("what it says is too long for SMTP")


class _Client(smtplib.SMTP):
    """smtplib's client on a connection of ours, with limits for each step."""

    def __init__(self, reached: socket.socket, limits: Limits):
        # With a name given, smtplib does not look up that of this machine.
        super().__init__(local_hostname=_literal(reached))
        self.limits = limits
        self.take(reached)

    def take(self, reached: socket.socket) -> None:
        """Go on on this connection, without anything that was said before."""
        self.sock = reached
        self.file = self._replies = _Replies(reached, self.limits)
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features = {}

    def step(
        self,
        name: str,
        call: Callable[[], tuple[int, bytes]],
        *,
        hoped: int = 2,
        is_of_server: bool = False,
    ) -> None:
        """Do a step whose reply has to begin with the digit `hoped`; else raise."""
        self.limits.begin(name, is_of_server)
        code, reply = call()
        if code // 100 != hoped:
            raise _unwelcome(name, code, reply, is_of_server)

    def getreply(self) -> tuple[int, bytes]:
        """Return the next reply, within the limits."""
        self._replies.begin()
        return super().getreply()

    def send(self, s: Any) -> None:  # named by smtplib
        """Send something, within the limits."""
        if self.sock:
            self.sock.settimeout(self.limits.left())
        super().send(s)

    def end(self) -> tuple[int, bytes]:
        """Send the final dot and return the reply to the whole mail."""
        self.send(b".\r\n")
        return self.getreply()

    def part(self) -> None:
        """Say goodbye; nothing depends on whether it is heard."""
        self.limits.begin("QUIT")
        self.limits.shorten(_PARTING_SECONDS)
        with contextlib.suppress(OSError):
            self.docmd("QUIT")


@contextlib.contextmanager
def _connected(
    settings: Settings, context: ssl.SSLContext | None, limits: Limits
) -> Iterator[_Client]:
    """Yield a client that is connected, by TLS where there is a context; close it."""
    reached = connection.connect(settings, limits)
    if context and settings.tls == "tls":
        reached = connection.secured(reached, context, settings, limits)
    with contextlib.closing(_Client(reached, limits)) as client:
        client.step("the greeting", client.getreply, is_of_server=True)
        if context and settings.tls == "starttls":
            _start_tls(client, context, settings)
        yield client


def _start_tls(client: _Client, context: ssl.SSLContext, settings: Settings) -> None:
    _greet(client)
    if not client.has_extn("starttls"):
        raise connection.unusable(
            settings, "offers no STARTTLS, and nothing is sent in the clear; see the key 'tls'"
        )
    client.step("STARTTLS", lambda: client.docmd("STARTTLS"), is_of_server=True)
    assert client.sock
    client.take(connection.secured(client.sock, context, settings, client.limits))


def _greet(client: _Client) -> None:
    client.step("EHLO", client.ehlo, is_of_server=True)


def _introduce(client: _Client, settings: Settings, password: str) -> None:
    """Say who we are, and log in where there is an account."""
    _greet(client)
    if not settings.user:
        return
    offered = client.esmtp_features.get("auth", "").upper().split()
    if not _WAYS_IN & set(offered):
        raise connection.unusable(
            settings, "lets nobody log in here, or in no way that osci knows; see the key 'user'"
        )
    client.limits.begin("AUTH")
    try:
        client.login(settings.user, password)
    except smtplib.SMTPAuthenticationError as error:
        # What it says may have in it what it was told.
        raise _unwelcome("AUTH", error.smtp_code, b"", True) from error
    except (smtplib.SMTPServerDisconnected, _NonsenseError):
        raise
    except (smtplib.SMTPException, ValueError) as error:
        raise _NonsenseError(_NO_SMTP) from error


def _offer(client: _Client, envelope: Envelope) -> None:
    """Give the server the whole mail but for its end."""
    client.step("MAIL", lambda: client.mail(envelope.sender))
    client.step("RCPT", lambda: client.rcpt(envelope.recipient))
    client.step("DATA", lambda: client.docmd("DATA"), hoped=3)
    client.limits.begin("the mail", is_of_server=False)
    client.send(_stuffed(envelope.message))


def _stuffed(message: bytes) -> bytes:
    """Return the message as it crosses the network: CRLF alone, a dot more where one begins."""
    lines = re.sub(rb"\r\n?|\n", b"\r\n", message).removesuffix(b"\r\n")
    return re.sub(rb"(?m)^\.", b"..", lines) + b"\r\n"


def _unwelcome(step: str, code: int, reply: bytes, is_of_server: bool) -> Exception:
    """Return the error of a reply that was not hoped for: a refusal, or nonsense."""
    if code // 100 not in (4, 5):
        return _NonsenseError(_NO_SMTP)
    return _UnwelcomeError(step, code, reply, is_of_server or code == _CLOSING)


def _answer(error: _UnwelcomeError, settings: Settings, password: str) -> Answer:
    """Return what a reply means; raises ConfigurationError where it is not about the mail."""
    said = error.text.replace(password, "***") if password else error.text
    reply = f"{error.code} {said}".strip() if error.step != "AUTH" else str(error.code)
    whole = f"{connection.place(settings)}, {error.step}: {visible_line(reply)}"
    if error.code < 500:
        return Answer(TEMPORARY, clip(whole, REPLY_CHARACTERS), error.is_of_server)
    if error.step == "AUTH":
        user = visible_line(settings.user)
        raise connection.unusable(settings, f"refuses the account '{user}' ({error.code})")
    if error.is_of_server or error.code == _NO_ACCOUNT:
        raise connection.unusable(
            settings, f"answers {error.step} with '{clip(visible_line(reply), 200)}'"
        )
    return Answer(REFUSED, clip(whole, REPLY_CHARACTERS))


def _trouble(error: OSError, settings: Settings) -> str:
    """Return in words why there is no answer."""
    root = error
    if isinstance(error, smtplib.SMTPServerDisconnected):
        # smtplib raises it for each error of the socket, and for the end of what is said.
        if not isinstance(error.__context__, OSError):
            return "it broke off"
        root = error.__context__
    if isinstance(root, TimeoutError):
        return f"there is no whole answer within {settings.seconds:g} s"
    if isinstance(root, _NonsenseError):
        return str(root)
    return f"it cannot be reached, or broke off ({connection.reason(root)})"


def _literal(reached: socket.socket) -> str:
    """Return this end's address as RFC 5321 writes one where a name may be none of the world's."""
    number = reached.getsockname()[0].partition("%")[0]
    return f"[IPv6:{number}]" if ":" in number else f"[{number}]"
