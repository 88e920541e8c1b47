# SPDX-License-Identifier: Apache-2.0
"""How mail goes out: the settings of the user, from a file and the environment."""

import ipaddress
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from osci_jobs.deployment import content, document
from osci_jobs.deployment.document import Document
from osci_jobs.deployment.faults import Fault, Path, printable, quoted, sentence, show
from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import address

VARIABLE = "OSCI_MAIL_CONF"
# The first one is below the user's home.
PLACES = (".config/osci/mail.json", "/etc/osci/mail.json")
PORTS = {"none": 25, "starttls": 587, "tls": 465}

# The names that lead to a value: ("limits", "hour").
Key = tuple[str, ...]

_PREFIX = "OSCI_MAIL_"
_LONGEST_SECONDS = 3600
_MOST_MAILS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How many mails may go out within an hour: to one address, and in all."""

    address_hour: int = 10
    hour: int = 100


@dataclass(frozen=True)
class Settings:
    """Server, account and sender; "" is what is not there.

    `password_file` and `password_helper` say where the password is; it is never in here.
    """

    host: str
    port: int
    tls: str
    sender: str
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    password_helper: tuple[str, ...] = field(default=(), repr=False)
    domains: frozenset[str] = frozenset()
    limits: Limits = Limits()
    seconds: float = 30.0

    def author_allowed(self, author: str) -> bool:
        """Tell whether the author of a change may be mailed: the domain is one of `domains`.

        A domain below one of them is another one.
        """
        return address.is_address(author) and address.domain(author) in self.domains


def find(named: FilePath | None, environment: Mapping[str, str], home: FilePath) -> Settings:
    """Return the settings of the file that is named, else of the first place that has one.

    A variable of the environment takes the place of its key. Raises ConfigurationError with
    all that is wrong, and where settings are looked for when there are none.
    """
    variables = _variables(environment)
    path = _path(named, environment, home)
    if path is None and not variables:
        raise _nothing(home)
    read = _parse(path) if path else None
    values = read.value if read else {}
    if read and not isinstance(values, dict):
        raise ConfigurationError(document.report(read, [Fault((), show(values), "an object")]))
    overridden = {key: variables[variable(key)] for key in KEYS if variable(key) in variables}
    merged = _merged(values, overridden)
    _raise_faults(read, list(_iter_faults(merged)), overridden, _unknown_variables(variables))
    return _settings(merged)


def is_there(named: FilePath | None, environment: Mapping[str, str], home: FilePath) -> bool:
    """Tell whether there are settings, be they right or wrong."""
    return _path(named, environment, home) is not None or bool(_variables(environment))


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if _is_of_mail(name, text)}


def places(home: FilePath) -> tuple[FilePath, ...]:
    """Return where the file may be without being named."""
    return tuple(home / place for place in PLACES)


def variable(key: Path | Key) -> str:
    """Return the variable of a key: `limits.hour` is OSCI_MAIL_LIMITS_HOUR."""
    return _PREFIX + "_".join(map(str, key)).upper()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value)


def _is_host(value: Any) -> bool:
    return address.is_domain(value) or (isinstance(value, str) and _number(value) is not None)


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value.startswith("/")


def _is_words(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(word, str) and word.isprintable() for word in value)
        and bool(value[0])
    )


def _is_domains(value: Any) -> bool:
    return isinstance(value, list) and all(map(address.is_domain, value))


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _MOST_MAILS


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= _LONGEST_SECONDS


def _as_number(text: str) -> Any:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _as_words(text: str) -> Any:
    try:
        return shlex.split(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class _Rule:
    """What a key may hold, and how a variable's text becomes that."""

    is_right: Callable[[Any], bool]
    expected: str
    of_text: Callable[[str], Any] = str


KEYS: Mapping[Key, _Rule] = {
    ("host",): _Rule(_is_host, "the name or the address of a server"),
    ("port",): _Rule(
        lambda value: type(value) is int and 0 < value < 65536, "a port", of_text=_as_number
    ),
    ("tls",): _Rule(
        lambda value: isinstance(value, str) and value in PORTS, f"one of {quoted(sorted(PORTS))}"
    ),
    ("ca_file",): _Rule(_is_file, "a path that starts with '/'"),
    ("user",): _Rule(_is_text, "a name in ASCII"),
    ("password_file",): _Rule(_is_file, "a path that starts with '/'"),
    ("password_helper",): _Rule(_is_words, "a list of words, the first a program", _as_words),
    ("from",): _Rule(address.is_address, address.EXPECTED),
    ("domains",): _Rule(_is_domains, "a list of domains like 'example.org'", _as_words),
    ("limits", "address_hour"): _Rule(_is_count, "a number from 1", _as_number),
    ("limits", "hour"): _Rule(_is_count, "a number from 1", _as_number),
    ("seconds",): _Rule(_is_seconds, f"seconds above 0, {_LONGEST_SECONDS} at most", _as_number),
}
_SECTIONS = {key[0] for key in KEYS if len(key) > 1}


def _is_of_mail(name: str, text: str) -> bool:
    return name.startswith(_PREFIX) and name != VARIABLE and bool(text)


def _path(
    named: FilePath | None, environment: Mapping[str, str], home: FilePath
) -> FilePath | None:
    if named or environment.get(VARIABLE):
        return named or FilePath(environment[VARIABLE])
    return next((place for place in places(home) if _is_there(place)), None)


def _is_there(place: FilePath) -> bool:
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # whoever reads it says what is wrong
    return True


def _nothing(home: FilePath) -> ConfigurationError:
    looked = " nor ".join(f"'{printable(str(place))}'" for place in places(home))
    return ConfigurationError(
        f"Nothing says how mail goes out: found neither '--mail-conf FILE' nor '{VARIABLE}', no "
        f"variable like '{variable(('host',))}', and neither {looked}. "
        "Expected a file like that of docs/mail.md."
    )


def _parse(path: FilePath) -> Document:
    return document.parse(printable(str(path)), content.decode(path, content.read(path)))


def _merged(values: Mapping[str, Any], overridden: Mapping[Key, str]) -> dict[str, Any]:
    """Return the values with those of the environment in their places."""
    merged = {key: dict(one) if isinstance(one, dict) else one for key, one in values.items()}
    for (*section, last), text in overridden.items():
        place = merged.setdefault(section[0], {}) if section else merged
        if isinstance(place, dict):
            place[last] = KEYS[(*section, last)].of_text(text)
    return merged


def _unknown_variables(variables: Mapping[str, str]) -> list[str]:
    known = tuple(map(variable, KEYS))
    faults = [
        Fault((), "an unknown variable", f"one of {quoted(sorted(known))}", name, known)
        for name in sorted(variables)
        if name not in known
    ]
    return [f"{printable(fault.word)}: {sentence(fault)}" for fault in faults]


def _raise_faults(
    read: Document | None,
    faults: list[Fault],
    overridden: Mapping[Key, str],
    more: list[str],
) -> None:
    """Raise one error of all faults, each placed in the file or at its variable."""
    of_file = [fault for fault in faults if read and fault.path not in overridden]
    others = [fault for fault in faults if fault not in of_file]
    lines = [document.report(read, of_file)] if read and of_file else []
    lines += [f"{variable(fault.path)}: {sentence(fault)}" for fault in others]
    if lines or more:
        raise ConfigurationError("\n".join([*lines, *more]))


def _iter_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _unknown((), values)
    for section in _SECTIONS & values.keys():
        if isinstance(values[section], dict):
            yield from _unknown((section,), values[section])
        else:
            yield Fault((section,), show(values[section]), "an object")
    for path, key in KEYS.items():
        holder = values if len(path) == 1 else values.get(path[0])
        if isinstance(holder, dict) and path[-1] in holder:
            value = holder[path[-1]]
            if not key.is_right(value):
                yield Fault(path, show(value), key.expected)
    for name in ("host", "from"):
        if name not in values:
            yield Fault((name,), "nothing", KEYS[(name,)].expected)
    yield from _password_faults(values)


def _unknown(section: Path, values: Mapping[str, Any]) -> Iterator[Fault]:
    known = tuple(sorted({key[len(section)] for key in KEYS if key[: len(section)] == section}))
    for name in values:
        if name not in known:
            expected = f"one of the keys {quoted(known)}"
            yield Fault((*section, name), "an unknown key", expected, name, known, at_key=True)


def _password_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    sources = [name for name in ("password_file", "password_helper") if name in values]
    if len(sources) > 1:
        yield Fault((sources[1],), "a second place of the password", "one alone")
    if "user" in values and not sources:
        expected = "'password_file' or 'password_helper' beside it"
        yield Fault(("user",), "a user without a password", expected)
    if sources and "user" not in values:
        yield Fault((sources[0],), "a password without a user", "'user' beside it")
    if sources and values.get("tls") == "none" and not _is_loopback(values.get("host")):
        expected = "'starttls' or 'tls', for the password would cross a network in the clear"
        yield Fault(("tls",), show("none"), expected)


def _is_loopback(host: Any) -> bool:
    if not isinstance(host, str):
        return False
    number = _number(host)
    return host.lower() == "localhost" or bool(number and number.is_loopback)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _settings(values: Mapping[str, Any]) -> Settings:
    """Return values without a fault as settings."""
    plain = dict(values)
    tls = plain.setdefault("tls", "starttls")
    plain.setdefault("port", PORTS[tls])
    domains = (domain.lower() for domain in plain.pop("domains", ()))
    return Settings(
        sender=address.parse(plain.pop("from")),
        password_helper=tuple(plain.pop("password_helper", ())),
        domains=frozenset(domains),
        limits=Limits(**plain.pop("limits", {})),
        **plain,
    )
