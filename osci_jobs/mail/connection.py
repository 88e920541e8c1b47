# SPDX-License-Identifier: Apache-2.0
"""A connection to the mail server, by TLS if need be, within limits of time."""

import socket
import ssl
import time
from typing import Any

from osci_jobs import deadline
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail.settings import Settings
from osci_jobs.results.escape import clip, visible_line

# A whole conversation may last as long as so many of its steps.
STEPS = 10

_SHOWN_CHARACTERS = 200


class Limits:
    """The limit of the step that is under way, within that of the whole conversation."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._end = time.monotonic() + STEPS * seconds
        self.is_of_server = True
        self.begin("the lookup of its name")

    def begin(self, step: str, is_of_server: bool = True) -> None:
        """Begin a step; `is_of_server` when it has nothing to do with the mail."""
        self.step = step
        self.is_of_server = is_of_server
        self._until = min(time.monotonic() + self._seconds, self._end)

    def shorten(self, seconds: float) -> None:
        """Let the step that is under way last no longer than this."""
        self._until = min(self._until, time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def context(settings: Settings) -> ssl.SSLContext | None:
    """Return whom to trust, None where there is to be no TLS; raises ConfigurationError."""
    if settings.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise ConfigurationError(
            f"'{visible_line(settings.ca_file)}', which 'ca_file' names, is no file of "
            f"certificates ({reason(error)})."
        ) from error


def connect(settings: Settings, limits: Limits) -> socket.socket:
    """Return a connection to the first of the server's addresses that takes it; raises OSError."""
    trouble = OSError("it has no address")
    # There is no limit for looking up a name.
    for *kind, _, there in deadline.within(limits.left(), lambda: _addresses(settings)):
        limits.begin("the connection")
        try:
            return _reached(kind, there, limits)
        except OSError as error:
            trouble = error
    raise trouble


def secured(
    plain: socket.socket, context: ssl.SSLContext, settings: Settings, limits: Limits
) -> ssl.SSLSocket:
    """Return the connection with TLS around it.

    Raises ConfigurationError when the server cannot be trusted or speaks no TLS, OSError when
    it breaks off.
    """
    limits.begin("the beginning of TLS")
    plain.settimeout(limits.left())
    try:
        return context.wrap_socket(plain, server_hostname=settings.host)
    except ssl.SSLCertVerificationError as error:
        raise unusable(
            settings,
            f"has a certificate that cannot be trusted ({visible_line(error.verify_message)}); "
            "'ca_file' names a file of authorities that can",
        ) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise  # it broke off, and may come back
    except ssl.SSLError as error:
        raise unusable(
            settings, f"does not speak TLS as osci does ({reason(error)}); see the key 'tls'"
        ) from error


def unusable(settings: Settings, why: str) -> ConfigurationError:
    """Return the error of a server that cannot be used as the settings say."""
    return ConfigurationError(f"The mail server {place(settings)} {why}.")


def place(settings: Settings) -> str:
    """Return the server's name and port in quotes."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"'{host}:{settings.port}'"


def reason(error: BaseException) -> str:
    """Return what an error of a connection says, on a visible line."""
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return clip(visible_line(str(text)), _SHOWN_CHARACTERS)


def _addresses(settings: Settings) -> list[tuple[Any, ...]]:
    return socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)


def _reached(kind: list[int], there: Any, limits: Limits) -> socket.socket:
    found = socket.socket(*kind)
    try:
        found.settimeout(limits.left())
        found.connect(there)
    except BaseException:
        found.close()
        raise
    return found
