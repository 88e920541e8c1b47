# SPDX-License-Identifier: Apache-2.0
"""The database and the message broker: what they are, where they run, whose account they get."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from .document import iter_entries
from .faults import Fault, Path, show
from .hosts import check_reference, locations
from .model import Server
from .place import FIRST_API
from .words import check_word, meaning

Origins = dict[str, Path | str]

_URL_PATH: Path = ("datastore", "engine_url")
_DEFAULT_URL = "mysql://"
_PORT = "3306"
_URL = re.compile(
    r"(?P<engine>[A-Za-z][A-Za-z0-9+._-]*)://"
    r"(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<host>[^:/@?]*)(?::(?P<port>[0-9]*))?"
    r"(?P<rest>[/?].*)?",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")


@dataclass(frozen=True)
class EngineUrl:
    """The parts of an engine URL; "" where the URL does not have one."""

    engine: str
    user: str
    password: str
    host: str
    port: str
    rest: str  # a database and options


def parse(url: str) -> EngineUrl | None:
    """Return the parts of an engine URL, or None where it is not one."""
    match = _URL.fullmatch(url)
    if not match:
        return None
    parts = match.groupdict(default="")
    account = {key: unquote(parts[key]) for key in ("user", "password")}
    return EngineUrl(**(parts | account))


def check(value: dict[str, Any], known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield what is wrong with broker and database; no message holds a password."""
    for section in ("messaging", "datastore"):
        name = (value.get(section) or {}).get("host")
        yield from check_reference((section, "host"), name, known)
    places = {name: name for name in known} | locations(value)
    yield from _check_messaging(value.get("messaging") or {}, places)
    yield from _check_datastore(value.get("datastore") or {}, places)


def broker(value: dict[str, Any]) -> tuple[Server, Origins]:
    """Return the broker of a checked deployment, and where each value came from."""
    section = value.get("messaging", {})
    word = section.get("broker", "rabbit")
    host, origin = _location(value, "messaging", "address", section.get("address", ""))
    kind_origin: Path | str = ("messaging", "broker") if "broker" in section else "default"
    origins = {"kind": kind_origin, "host": origin, "user": "none", "password": "none"}
    return Server(meaning("broker", word), host), _named("broker", origins)


def database(value: dict[str, Any]) -> tuple[Server, Origins]:
    """Return the database of a checked deployment, and where each value came from."""
    url = _engine_url(value)
    host, origin = _location(value, "datastore", "engine_url", url.host)
    given: Path | str = _URL_PATH if "engine_url" in value.get("datastore", {}) else "default"
    user, password = (url.user, url.password) if url.host else ("", "")
    origins = {
        "kind": given,
        "host": origin,
        "user": given if user else "none",
        "password": given if password else "none",
    }
    kind = meaning("engine", url.engine)
    return Server(kind, host, user, password), _named("database", origins)


def notes(value: dict[str, Any]) -> tuple[str, ...]:
    """Return what osci leaves out of account, in whole sentences."""
    url = _engine_url(value)
    found = []
    if (url.user or url.password) and not url.host:
        found.append(
            "The user and password in 'datastore.engine_url' are ignored, because it names no "
            "host: osci makes an account for each service."
        )
    if url.rest.strip("/"):
        found.append(
            "The database and options in 'datastore.engine_url' are ignored: osci makes a "
            "database for each service."
        )
    return tuple(found)


def _check_messaging(section: dict[str, Any], places: dict[str, str]) -> Iterator[Fault]:
    if section.get("broker") is not None:
        yield from check_word(("messaging", "broker"), "broker", section["broker"])
    address = section.get("address")
    if address:
        expected = _expected_place(address, section.get("host"), places)
        if expected:
            path = ("messaging", "address")
            yield Fault(path, show(address), expected, address, tuple(places))


def _check_datastore(section: dict[str, Any], places: dict[str, str]) -> Iterator[Fault]:
    text = section.get("engine_url")
    if text is None:
        return
    url = parse(text)
    if url is None:
        yield Fault(_URL_PATH, show(text), "a URL such as 'mysql://USER:PASSWORD@HOST'")
        return
    yield from check_word(_URL_PATH, "engine", url.engine)
    if url.host:
        yield from _check_account(url)
        expected = _expected_place(url.host, section.get("host"), places)
        if expected:
            yield Fault(_URL_PATH, show(text), expected, url.host, tuple(places))


def _check_account(url: EngineUrl) -> Iterator[Fault]:
    if url.password and not url.user:
        yield Fault(_URL_PATH, "a password without a user", "both or none")
    if _CONTROL.search(url.user + url.password):
        yield Fault(
            _URL_PATH,
            "a user or password with control characters or broken UTF-8",
            "neither of them, also when written with '%'",
        )
    if url.port not in ("", _PORT):
        yield Fault(_URL_PATH, "another port", f"none or {_PORT}, where osci sets the database up")


def _expected_place(text: str, stated: str | None, places: dict[str, str]) -> str:
    """Return what was expected instead of the place, or "" where it can be used.

    `places` are the hosts by name and address; none are known where the list
    of hosts has no shape, and then nothing can be said.
    """
    if places and text not in places:
        return "a host of this file, because the hosts of provider 'netns' reach only their group"
    if stated in places.values() and places[text] != stated:
        return f"nothing, or the host in the key 'host' beside it, {show(stated)}"
    return ""


def _location(value: dict[str, Any], section: str, key: str, text: str) -> tuple[str, Path | str]:
    """Return the host that the section names, in either way, or the first api host."""
    if "host" in value.get(section, {}):
        return value[section]["host"], (section, "host")
    if text:
        return locations(value)[text], (section, key)
    return next(iter_entries(value, "api"))[1]["host"], FIRST_API


def _engine_url(value: dict[str, Any]) -> EngineUrl:
    url = parse(value.get("datastore", {}).get("engine_url", _DEFAULT_URL))
    assert url is not None, "the engine URL was checked"
    return url


def _named(server: str, origins: Origins) -> Origins:
    return {f"{server}.{field}": origin for field, origin in origins.items()}
