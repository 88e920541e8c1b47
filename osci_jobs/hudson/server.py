# SPDX-License-Identifier: Apache-2.0
"""The client of a Hudson or Jenkins: calls with a limit, errors that say what is wrong.

python-jenkins knows proxies, accounts and crumbs; what it does not know of a
Hudson, and what it does not limit, is here. Its own methods name no cause and
read answers of any size, so only its requests are used.
"""

import errno
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import jenkins
import requests

from osci_jobs import deadline
from osci_jobs.errors import ConfigurationError, InfrastructureError, OsciError
from osci_jobs.hudson.account import Account
from osci_jobs.results.escape import clip, visible_line

ANSWER_BYTES = 16 << 20
TRIES = 5
# Before the second try; each later one waits twice as long.
BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 60.0

_BUSY = (429, 502, 503)
_MOVED = (301, 307, 308)  # and only they: 302 is how a form is answered that was taken
_CHUNK_BYTES = 64 << 10
_SHOWN_CHARACTERS = 200


class AwayError(InfrastructureError):
    """The server does not answer, or says that it is busy: it may come back."""


class LostError(InfrastructureError):
    """A POST was sent and its answer is not known: what it asks for may have been done."""


@dataclass(frozen=True)
class Dialect:
    """What kind of server this is: 'Hudson' or 'Jenkins', and its version."""

    name: str
    version: str

    @property
    def is_hudson(self) -> bool:
        """Whether it speaks as Hudson does: forms, no queue items, no list of plugins."""
        return self.name == "Hudson"


@dataclass(frozen=True)
class Answer:
    """What was said; `is_cut` when its content goes on beyond the limit.

    `moved_to` is the address of another server that was sent on to, else "".
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes
    is_cut: bool
    moved_to: str


class Server:
    """One server, asked with one account.

    `about` in its methods says in words what a call is about, for its errors:
    "the job 'osci-functional-basic'". Paths are relative to the server's address.
    All raise ConfigurationError where address, account or name are wrong, AwayError
    where the server may come back, InfrastructureError for all other trouble.
    """

    def __init__(self, account: Account):
        self.account = account
        self.url = account.url
        self._jenkins = _Jenkins(account)

    def dialect(self) -> Dialect:
        """Return what the server is, by the headers of its first page."""
        answer = self.read("", "the server")
        headers = answer.headers
        if answer.moved_to:
            raise self._moved(answer.moved_to)
        # Jenkins sends both, for old clients of Hudson.
        for header in ("X-Jenkins", "X-Hudson"):
            if header in headers:
                version = clip(visible_line(headers[header]), 20)
                return Dialect(header.removeprefix("X-"), version)
        raise ConfigurationError(
            f"'{self.url}' is no Hudson or Jenkins, or a login stands before it: its first page "
            f"has neither of the headers X-Hudson and X-Jenkins; {self._looked_at()}."
        )

    def plugins(self) -> frozenset[str] | None:
        """Return the names of the plugins, None where the server does not tell, as Hudson."""
        found = self.find("pluginManager/api/json", "the list of plugins", "plugins[shortName]")
        if found is None:
            return None
        names = (one.get("shortName") for one in found.get("plugins", ()) if isinstance(one, dict))
        return frozenset(name for name in names if isinstance(name, str))

    def get(self, path: str, about: str, tree: str = "") -> dict[str, Any]:
        """Return a JSON object of the server; `tree` names the parts of it that are wanted."""
        answer = self.read(path, about, {"tree": tree} if tree else {})
        return self._parsed(answer, about)

    def find(self, path: str, about: str, tree: str = "") -> dict[str, Any] | None:
        """Return as `get` does, or None where there is nothing at that path."""
        try:
            return self.get(path, about, tree)
        except _MissingError:
            return None

    def read(
        self,
        path: str,
        about: str,
        query: Mapping[str, str] | None = None,
        limit: int = ANSWER_BYTES,
    ) -> Answer:
        """Return the answer to a GET, of `limit` bytes at most; repeat it while it is busy."""
        request = requests.Request("GET", self.url + path, params=dict(query or {}))
        waits = _iter_waits()
        while True:
            answer = self._call(request, about, limit)
            if answer.status not in _BUSY:
                break
            seconds = next(waits, None)
            if seconds is None:
                break
            time.sleep(max(seconds, _retry_after(answer.headers)))
        self._check(answer, about)
        return answer

    def find_bytes(
        self,
        path: str,
        about: str,
        query: Mapping[str, str] | None = None,
        limit: int = ANSWER_BYTES,
    ) -> Answer | None:
        """Return as `read` does, or None where there is nothing at that path."""
        try:
            return self.read(path, about, query, limit)
        except _MissingError:
            return None

    def post(self, path: str, about: str, fields: Mapping[str, str] | None = None) -> Answer:
        """Send a form, once; raises LostError when it may or may not have arrived."""
        # A crumb of its own for each: that of a server which was restarted is refused.
        self._jenkins.crumb = None
        request = requests.Request("POST", self.url + path, data=dict(fields or {}))
        answer = self._call(request, about, ANSWER_BYTES)
        self._check(answer, about)
        return answer

    def error(self, about: str, cause: str) -> InfrastructureError:
        """Return an error that names the server, what it is about and the cause."""
        return InfrastructureError(self._sentence(about, cause))

    def _call(self, request: requests.Request, about: str, limit: int) -> Answer:
        seconds = self.account.timeout_seconds
        try:
            return deadline.within(seconds, lambda: self._jenkins.ask(request, limit))
        except TimeoutError as error:
            cause = f"there is no whole answer within {seconds:g} s"
            kind = LostError if self._jenkins.has_sent_post else AwayError
            self._jenkins = _Jenkins(self.account)  # the old one is still waiting
            raise kind(self._sentence(about, cause)) from error
        except (requests.RequestException, jenkins.JenkinsException, OSError) as error:
            raise self._unreached(error, about) from error
        except _NoCrumbError as error:
            raise self._no_json(error.content, about) from error

    def _unreached(self, error: Exception, about: str) -> OsciError:
        root = _root(error)
        if isinstance(root, ssl.SSLError):
            reason = getattr(root, "verify_message", "") or root.reason or "no TLS"
            return self.error(
                about,
                f"its certificate or its TLS cannot be trusted ({visible_line(str(reason))}); "
                f"REQUESTS_CA_BUNDLE names a file of authorities that can",
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return ConfigurationError(self._sentence(about, "this is no address of a server"))
        if isinstance(error, requests.exceptions.TooManyRedirects):
            return ConfigurationError(self._sentence(about, "it redirects without an end"))
        is_lost = self._jenkins.has_sent_post and not _is_unconnected(error, root)
        kind = LostError if is_lost else AwayError
        return kind(self._sentence(about, _cause(error, root)))

    def _check(self, answer: Answer, about: str) -> None:
        """Raise what the status of an answer means."""
        status = answer.status
        if status in (401, 403):
            raise ConfigurationError(self._sentence(about, self._refusal(status)))
        if status == 404:
            raise _MissingError(self._sentence(about, "the server has no such thing (404)"))
        if status in _BUSY:
            raise AwayError(self._sentence(about, f"the server is busy or starting ({status})"))
        if "/login" in answer.headers.get("Location", ""):
            raise ConfigurationError(self._sentence(about, self._refusal(status)))
        if status in _MOVED:
            raise self._moved(answer.headers.get("Location", ""))
        if status >= 400:
            reason = clip(visible_line(answer.reason), _SHOWN_CHARACTERS)
            raise self.error(about, f"the server answers with the error {status} ({reason})")

    def _moved(self, url: str) -> ConfigurationError:
        """Return the error of an address that is another one's: no form survives the way there."""
        shown = clip(visible_line(url), _SHOWN_CHARACTERS)
        return ConfigurationError(
            f"'{self.url}' sends on to '{shown}': is that the server's own address? "
            f"It has to be in '{self.account.path}'."
        )

    def _refusal(self, status: int) -> str:
        account = self.account
        if account.is_anonymous:
            return f"the server wants an account ({status}), and '{account.path}' has none"
        return (
            f"the server refuses the account '{visible_line(account.user)}' of '{account.path}' "
            f"({status}): the password is wrong, or the account may not do this"
        )

    def _parsed(self, answer: Answer, about: str) -> dict[str, Any]:
        if answer.is_cut:
            raise self.error(about, f"its answer is larger than {ANSWER_BYTES >> 20} MiB")
        try:
            # Hudson leaves control characters in texts as they are.
            found = json.loads(answer.content, strict=False)
        except (ValueError, RecursionError) as error:
            raise self._no_json(answer.content, about) from error
        if not isinstance(found, dict):
            raise self.error(about, "its answer is JSON, but no object")
        return found

    def _no_json(self, content: bytes, about: str) -> OsciError:
        if not content or content.lstrip()[:1] == b"<":
            cause = "it answers with a page, perhaps that of a login, where JSON was expected"
            return ConfigurationError(self._sentence(about, f"{cause}; {self._looked_at()}"))
        return self.error(about, "its answer is no JSON")

    def _looked_at(self) -> str:
        return f"see address and account in '{self.account.path}'"

    def _sentence(self, about: str, cause: str) -> str:
        return f"'{self.url}', {about}: {cause}."


class _MissingError(ConfigurationError):
    """There is nothing at that path."""


class _Jenkins(jenkins.Jenkins):
    """python-jenkins, with limits; it says whether a POST has been sent."""

    def __init__(self, account: Account):
        user, password = account.user or None, account.password or None
        super().__init__(account.url, user, password, account.timeout_seconds)
        # An answer that says to be short may be without an end when it is unpacked.
        self._session.headers["Accept-Encoding"] = "identity"
        self.has_sent_post = False

    def ask(self, request: requests.Request, limit: int) -> Answer:
        """Send one request and return its answer, whatever its status is."""
        self.has_sent_post = False
        is_post = request.method == "POST"
        try:
            response = self.jenkins_request(request, add_crumb=is_post)
        except _RefusedCrumbError as error:
            response = error.response
        return _answer(response, limit)

    def _request(self, req: requests.Request, stream: bool | None = None) -> requests.Response:
        prepared = self._session.prepare_request(req)
        settings = self._session.merge_environment_settings(
            prepared.url, {}, True, self._session.verify, None
        )
        is_post = req.method == "POST"
        self.has_sent_post = is_post
        # A form is answered by a redirect to a page, which nobody here reads.
        return self._session.send(
            prepared, **settings, timeout=self.timeout, allow_redirects=not is_post
        )

    def _response_handler(self, response: requests.Response) -> requests.Response:
        if "/crumbIssuer/" in response.url:
            return _checked_crumb(response)
        return response


class _NoCrumbError(Exception):
    """What the server gave in the place of a crumb."""

    def __init__(self, content: bytes):
        super().__init__("This is no crumb.")
        self.content = content


class _RefusedCrumbError(Exception):
    """The server does not give a crumb, and its answer says why."""

    def __init__(self, response: requests.Response):
        super().__init__("The server gives no crumb.")
        self.response = response


def _checked_crumb(response: requests.Response) -> requests.Response:
    """Return the answer when it holds a crumb, for python-jenkins believes that it does."""
    if response.status_code == 404:
        raise jenkins.NotFoundException("Crumbs are off.")
    if response.status_code >= 400:
        raise _RefusedCrumbError(response)
    response._content, _ = _content(response, _CHUNK_BYTES)
    try:
        crumb = json.loads(response.content)
        is_right = all(isinstance(crumb[key], str) for key in ("crumbRequestField", "crumb"))
    except (ValueError, RecursionError, KeyError, TypeError):
        is_right = False
    if not is_right:
        raise _NoCrumbError(response.content)
    return response


def job_path(name: str) -> str:
    """Return the path of a job, whose name may have folders in it."""
    return "".join(f"job/{quote(part, safe='')}/" for part in name.split("/"))


def _answer(response: requests.Response, limit: int) -> Answer:
    content, is_cut = _content(response, limit)
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        headers=response.headers,
        content=content,
        is_cut=is_cut,
        moved_to=_moved_to(response),
    )


def _moved_to(response: requests.Response) -> str:
    origins = {urlsplit(one.url)[:2] for one in (*response.history, response)}
    return response.url if len(origins) > 1 else ""


def _content(response: requests.Response, limit: int) -> tuple[bytes, bool]:
    with response:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > limit:
                break
    return bytes(content[:limit]), len(content) > limit


def _iter_waits() -> Iterator[float]:
    for number in range(TRIES - 1):
        yield BACK_OFF_SECONDS * 2**number


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server wants to be left alone, a minute at most."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            seconds = 0.0
    return min(max(seconds, 0.0), LONGEST_BACK_OFF_SECONDS)


def _root(error: BaseException) -> BaseException:
    """Return the innermost error, which is what the network itself said."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def _is_unconnected(error: Exception, root: BaseException) -> bool:
    """Tell whether there was no connection at all, so that nothing can have been sent."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    unreachable = getattr(root, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    return unreachable or isinstance(root, ConnectionRefusedError | socket.gaierror)


def _cause(error: Exception, root: BaseException) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy of this machine's environment does not connect ({_reason(root)})"
    if isinstance(error, requests.Timeout) or isinstance(root, TimeoutError):
        return "the server does not answer in time"
    if isinstance(root, socket.gaierror):
        return f"the name of the server is not known ({_reason(root)})"
    if isinstance(root, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    return f"the connection failed ({_reason(root)})"


def _reason(root: BaseException) -> str:
    text = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return clip(visible_line(str(text)), _SHOWN_CHARACTERS)
