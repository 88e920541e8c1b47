# SPDX-License-Identifier: Apache-2.0
"""The APIs of the cloud: one session, one token, and every answer checked."""

import contextlib
import json
from pathlib import Path

import aiohttp
import yaml
from yarl import URL

CLOUDS = Path("/etc/openstack/clouds.yaml")
MICROVERSION = "compute 2.90"
# Of a call outside the load, which has the limit of its scenario.
SECONDS = 30
OCTETS = {"Content-Type": "application/octet-stream"}
# What the catalog calls each service.
TYPES = {"glance": "image", "keystone": "identity", "neutron": "network", "nova-api": "compute"}


class CallError(Exception):
    """A call did not give what it should; `kind` is the same for all that fail alike."""

    def __init__(self, kind, text=""):
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind = kind


class Cloud:
    """A session on a cloud; `call` may be used by many tasks at once."""

    def __init__(self, session, account):
        self._session = session
        self._account = account
        self._urls = {"keystone": account["auth_url"]}
        self._headers = {}
        self._addresses = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, name, clouds=CLOUDS):
        """Open a session, without a token yet, on what a file of clouds calls `name`."""
        account = yaml.safe_load(clouds.read_text("utf-8"))["clouds"][name]["auth"]
        # How many calls there are at once is for the scenarios to say.
        connector = aiohttp.TCPConnector(limit=0)
        limit = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=limit, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            yield cls(session, account)

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, name):
        """Log in to the cloud that clouds.yaml calls `name`; raise CallError if that fails."""
        async with cls.open(name) as cloud:
            await cloud.log_in()
            yield cloud

    async def log_in(self):
        """Take a new token, and the addresses of the services."""
        token, body = await self.issue_token()
        self._headers = {"X-Auth-Token": token, "OpenStack-API-Version": MICROVERSION}
        try:
            urls = dict(_iter_urls(body["token"]["catalog"]))
        except (KeyError, TypeError) as error:
            raise CallError("wrong answer", "keystone gave no catalog") from error
        self._urls |= {name: urls[kind] for name, kind in TYPES.items() if kind in urls}

    async def issue_token(self):
        """Return a new token and the body that came with it."""
        account = self._account
        user = {
            "domain": {"name": account["user_domain_name"]},
            "name": account["username"],
            "password": account["password"],
        }
        project = {
            "domain": {"name": account["project_domain_name"]},
            "name": account["project_name"],
        }
        asked = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": project},
            }
        }
        headers, body = await self._send("keystone", "POST", "/auth/tokens", 201, asked)
        try:
            return headers["X-Subject-Token"], body
        except KeyError as error:
            raise CallError("wrong answer", "keystone gave no token") from error

    async def call(self, service, method, path, status, body=None):
        """Return the JSON that the call answers with; None where it has no body.

        Raises CallError when the status is not `status`, and when the body is not JSON.
        """
        _, content = await self._send(service, method, path, status, body)
        return content

    async def _send(self, service, method, path, status, body):
        if isinstance(body, bytes):
            sent = {"data": body, "headers": self._headers | OCTETS}
        else:
            sent = {"json": body, "headers": self._headers}
        try:
            async with self._session.request(
                method, self._address(service, path), **sent
            ) as answer:
                content = await answer.read()
                found, headers = answer.status, answer.headers
        except TimeoutError as error:
            raise CallError("no answer in time", service) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallError(f"no connection to {service}", str(error)) from error
        if found != status:
            text = content[:200].decode("utf-8", "replace")
            raise CallError(f"{service} answered {found}, not {status}", text)
        return headers, _parsed(content, service)

    def _address(self, service, path):
        """Return the whole address; to parse one takes as long as to send it."""
        key = (service, path)
        if key not in self._addresses:
            try:
                url = URL(self._urls[service] + path)
            except KeyError as error:
                raise CallError(f"no {service} in the catalog") from error
            if "%" in path or len(self._addresses) > 1000:
                return url
            self._addresses[key] = url
        return self._addresses[key]


def _iter_urls(catalog):
    for service in catalog:
        for endpoint in service["endpoints"]:
            if endpoint["interface"] == "public":
                yield service["type"], endpoint["url"]


def _parsed(content, service):
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise CallError("wrong answer", f"{service} answered what is not JSON") from error
