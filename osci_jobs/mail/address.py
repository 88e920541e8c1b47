# SPDX-License-Identifier: Apache-2.0
"""Addresses of mail: which ones osci takes."""

import re
from collections.abc import Iterable

from osci_jobs.deployment.faults import show
from osci_jobs.errors import ConfigurationError

EXPECTED = (
    "one address like bob@example.org: ASCII alone (a domain as xn--…), without a name or "
    "quotes, 254 characters at most"
)

# RFC 5321, 4.5.3.1: 64 characters before the '@', and 256 of a path with its brackets.
_CHARACTERS = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A last label of digits alone is that of a number, as in 192.0.2.1.
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?!(?:.*\.)?[0-9]+\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)


def parse(text: str) -> str:
    """Return the address with its domain in lower case; raises ConfigurationError."""
    return parse_all([text])[0]


def parse_all(texts: Iterable[str]) -> list[str]:
    """Return the addresses as `parse` does; raises one ConfigurationError for all that are none."""
    found = list(texts)
    wrong = [text for text in found if not is_address(text)]
    if wrong:
        lines = [
            f"The address of a mail: found {show(text)}, expected {EXPECTED}." for text in wrong
        ]
        raise ConfigurationError("\n".join(lines))
    return [f"{text.rpartition('@')[0]}@{domain(text)}" for text in found]


def is_address(text: object) -> bool:
    """Tell whether the text is an address that osci takes."""
    if not isinstance(text, str) or len(text) > _CHARACTERS:
        return False
    local = _LOCAL.match(text)
    return local is not None and is_domain(text[local.end() :])


def is_domain(text: object) -> bool:
    """Tell whether the text is what may follow the '@' of an address: a name, no number."""
    return isinstance(text, str) and bool(_DOMAIN.fullmatch(text))


def domain(address: str) -> str:
    """Return what follows the '@', in lower case."""
    return address.rpartition("@")[2].lower()
