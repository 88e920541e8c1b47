# SPDX-License-Identifier: Apache-2.0
"""The address of a Hudson and an account there, from the file that `jenkins-jobs` reads too."""

import configparser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from osci_jobs.deployment import content
from osci_jobs.deployment.faults import printable, show
from osci_jobs.errors import ConfigurationError

VARIABLE = "OSCI_HUDSON_CONF"
TIMEOUT_SECONDS = 30.0
# Where jenkins-jobs looks by itself; the first one is below the user's home.
PLACES = (".config/jenkins_jobs/jenkins_jobs.ini", "/etc/jenkins_jobs/jenkins_jobs.ini")

_SECTION = "jenkins"
_LONGEST_SECONDS = 3600.0
_OF_OTHERS = 0o077


@dataclass(frozen=True)
class Account:
    """A server's `url`, with a slash at its end, and who asks it; "" is anonymous.

    `path` is the file that says so. Each call to the server may last `timeout_seconds`.
    """

    path: Path
    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def is_anonymous(self) -> bool:
        """Whether there is no account in the file."""
        return not self.user


def find(named: Path | None, environment: Mapping[str, str], home: Path) -> Account:
    """Return the account of the file that is named, else of the first place that has one.

    Raises ConfigurationError where there is none, or with what is wrong in it.
    """
    if named or environment.get(VARIABLE):
        return load(named or Path(environment[VARIABLE]))
    for place in places(home):
        if place.exists():
            return load(place)
    raise ConfigurationError(
        f"No file says where Hudson is: found neither '--conf FILE' nor '{VARIABLE}', and no "
        f"{_either(places(home))}. Expected a file like jobs/jenkins_jobs.ini."
    )


def places(home: Path) -> tuple[Path, ...]:
    """Return where the file may be without being named."""
    return tuple(home / place for place in PLACES)


def load(path: Path) -> Account:
    """Return the account of one file; raises ConfigurationError with place, found, expected."""
    section = _section(path)
    user, password = (_word(path, section, key) for key in ("user", "password"))
    if bool(user) != bool(password):
        there, missing = ("user", "password") if user else ("password", "user")
        raise _fault(path, missing, "nothing", f"one, for '{there}' is there")
    return Account(path, _url(path, section), user, password, _timeout(path, section))


def warning(account: Account) -> str:
    """Return one sentence when others may read the password, else an empty text."""
    if account.password and account.path.stat().st_mode & _OF_OTHERS:
        return f"'{_name(account.path)}' holds a password, and others may read it: chmod 600."
    return ""


def _section(path: Path) -> configparser.SectionProxy:
    # With its '%', as jenkins-jobs reads it: the same file has to mean the same.
    parser = configparser.ConfigParser()
    try:
        parser.read_string(content.read(path).decode("utf-8"))
        return parser[_SECTION]
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{_name(path)}: The file is not UTF-8.") from error
    except KeyError as error:
        raise ConfigurationError(
            f"{_name(path)}: found no section [{_SECTION}], expected one with 'url'."
        ) from error
    except configparser.Error as error:
        # Its own message shows the line, which may be that of the password.
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (0,))[0]
        raise ConfigurationError(
            f"{_name(path)}:{line}: found a line that is no 'key = value', expected an ini file."
        ) from None


def _word(path: Path, section: configparser.SectionProxy, key: str) -> str:
    try:
        return section.get(key, "").strip()
    except configparser.InterpolationError:
        raise _fault(path, key, "a '%' that stands alone", "'%%' for each '%'") from None


def _url(path: Path, section: configparser.SectionProxy) -> str:
    text = _word(path, section, "url")
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or not text.isprintable() or " " in text:
        found = show(text) if text else "nothing"
        raise _fault(path, "url", found, "an address like http://hudson.example.org:8080/")
    if parts.username is not None or parts.query or parts.fragment:
        raise _fault(path, "url", show(text), "an address alone: 'user' and 'password' are keys")
    return text.rstrip("/") + "/"


def _timeout(path: Path, section: configparser.SectionProxy) -> float:
    text = _word(path, section, "timeout")
    try:
        seconds = float(text or TIMEOUT_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise _fault(
            path, "timeout", show(text), f"seconds above 0, {_LONGEST_SECONDS:.0f} at most"
        )
    return seconds


def _fault(path: Path, key: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"{_name(path)}: [{_SECTION}] {key}: found {found}, expected {expected}."
    )


def _name(path: Path) -> str:
    return printable(str(path))


def _either(paths: Iterable[Path]) -> str:
    return " or ".join(f"'{printable(str(path))}'" for path in paths)
