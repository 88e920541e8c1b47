# SPDX-License-Identifier: Apache-2.0
"""Questions to a server's REST interface: no account, JSON for an answer, limits on both."""

import http.client
import json
import os
import socket
import ssl
import urllib.request
from typing import Any
from urllib.error import HTTPError

from osci_jobs import deadline
from osci_jobs.errors import InfrastructureError
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.sources.attempts import AwayError, Patience, repeated

ANSWER_BYTES = 4 << 20
CA_VARIABLE = "REQUESTS_CA_BUNDLE"

_HEADERS = {"Accept": "application/json", "User-Agent": "osci"}
_SHOWN_CHARACTERS = 200


def get(url: str, patience: Patience, prefix: bytes = b"") -> Any:
    """Return the JSON that a server answers with, less the `prefix` that some set before it.

    `patience.seconds` is for one call. Trouble that may pass is told, and the server asked
    again. Raises InfrastructureError for trouble that lasts.
    """
    return repeated(lambda: _ask(url, patience.seconds, prefix), patience)


def _ask(url: str, seconds: float, prefix: bytes) -> Any:
    try:
        content = deadline.within(seconds, lambda: _read(url, seconds))
    except HTTPError as error:
        error.close()
        raise _refused(url, error.code) from error
    except TimeoutError as error:
        raise _silent(url, seconds) from error
    # A ValueError is the address of a redirect that is none.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreached(url, seconds, error) from error
    if len(content) > ANSWER_BYTES:
        raise InfrastructureError(_sentence(url, f"answers more than {ANSWER_BYTES >> 20} MiB"))
    try:
        return json.loads(content.removeprefix(prefix))
    except (ValueError, RecursionError) as error:
        cause = "answers with a page" if content.lstrip()[:1] == b"<" else "does not answer in JSON"
        raise AwayError(_sentence(url, f"{cause}; is it the server that is meant?")) from error


def _read(url: str, seconds: float) -> bytes:
    """Return the answer, and one byte more than ANSWER_BYTES where it is too long."""
    request = urllib.request.Request(url, headers=_HEADERS)
    with _opener().open(request, timeout=seconds) as answer:
        return answer.read(ANSWER_BYTES + 1)


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens http and https alone, for urllib's own follows redirects to ftp too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_authorities()),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _authorities() -> ssl.SSLContext:
    """Return whom to trust, by the variable that is obeyed where a Hudson is spoken to.

    SSL_CERT_FILE and SSL_CERT_DIR are OpenSSL's own, which it obeys by itself.
    """
    bundle = os.environ.get(CA_VARIABLE, "")
    if not bundle:
        return ssl.create_default_context()
    if os.path.isdir(bundle):
        return ssl.create_default_context(capath=bundle)
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise InfrastructureError(
            f"'{visible_line(bundle)}', which {CA_VARIABLE} names, is no file of certificates "
            f"({_reason(error)})."
        ) from error


def _refused(url: str, status: int) -> InfrastructureError:
    if status == 429 or status >= 500:
        return AwayError(_sentence(url, f"answers with the error {status}"))
    if status in (401, 403, 407):
        cause = f"wants an account ({status}), and osci asks without one"
    elif status < 400:
        cause = "redirects without an end, or to what is no address of the web"
    else:
        cause = f"answers with the error {status}; is it the server that is meant?"
    return InfrastructureError(_sentence(url, cause))


def _unreached(url: str, seconds: float, error: Exception) -> InfrastructureError:
    root = getattr(error, "reason", error)
    if isinstance(root, TimeoutError):
        return _silent(url, seconds)
    if isinstance(root, ssl.SSLCertVerificationError):
        cause = (
            f"has a certificate that cannot be trusted ({visible_line(root.verify_message)}); "
            f"{CA_VARIABLE} names a file of authorities that can"
        )
        return InfrastructureError(_sentence(url, cause))
    if isinstance(root, socket.gaierror):
        cause = f"is not a name that is known ({_reason(root)})"
    else:
        cause = f"cannot be reached, or breaks off ({_reason(root)})"
    return AwayError(_sentence(url, cause))


def _silent(url: str, seconds: float) -> InfrastructureError:
    return AwayError(_sentence(url, f"gives no whole answer within {seconds:g} s"))


def _reason(root: BaseException | str) -> str:
    text = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return clip(visible_line(str(text)), _SHOWN_CHARACTERS)


def _sentence(url: str, cause: str) -> str:
    return f"'{url.partition('?')[0]}' {cause}{'' if cause.endswith('?') else '.'}"
