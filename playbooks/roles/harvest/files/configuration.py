# SPDX-License-Identifier: Apache-2.0
"""The configuration of our services, its secrets blanked before it leaves the host."""

import os
import re
import stat
from pathlib import Path

PLACES = (
    *("etc/glance", "etc/keystone", "etc/neutron", "etc/nova", "etc/placement", "etc/openstack"),
    *("etc/hosts", "etc/memcached.conf", "etc/mysql", "etc/osci", "etc/rabbitmq"),
    "etc/systemd/system",
)
# Nothing in these can be shown.
KEYS = ("credential-keys", "fernet-keys", "ssh")
FILES = 500
FILE_BYTES = 256 << 10
BLANK = "***"
_SECRET = r"pass(?:wd|word)|(?<![a-z])(?:pass|keys?)(?![a-z])|secret|credential"
# NAME = VALUE, "NAME": "VALUE", NAME=VALUE: whatever the format calls an option.
OPTION = re.compile(
    rf"""(?P<name>[\w.-]{{0,64}}(?:{_SECRET})[\w.-]{{0,64}}["']?\s*[:=]\s*)"""
    r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\n]+)""",
    re.IGNORECASE,
)
URL = re.compile(r"(?P<account>\w://[^\s/:@'\"]*:)[^\s'\"]+@")
SQL = re.compile(r"(?P<words>identified\s+by\s+)('([^'\\]|\\.|'')*'|[^;\n]+)", re.IGNORECASE)
_FLAG = re.compile(r"\d{1,3}|true|false", re.IGNORECASE)


def write(directory):
    """Write each file of the configuration below `directory`, under the path it has."""
    files = [file for place in PLACES for file in _files(Path("/", place))]
    for file in files[:FILES]:
        target = directory / file.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_read(file), "utf-8")


def blank(text):
    """Return the text with BLANK in place of everything that looks like a secret."""
    text = OPTION.sub(_blank_value, text)
    text = URL.sub(rf"\g<account>{BLANK}@", text)
    return SQL.sub(rf"\g<words>{BLANK}", text)


def _files(place):
    """Return the regular files at or below a place; a link may lead to what is no configuration."""
    found = [place]
    for parent, directories, names in os.walk(place):
        directories[:] = sorted(name for name in directories if name not in KEYS)
        found += [Path(parent, name) for name in sorted(names)]
    return [file for file in found if os.path.lexists(file) and stat.S_ISREG(file.lstat().st_mode)]


def _read(file):
    if file.lstat().st_size > FILE_BYTES:
        return "[this is too large for a configuration]\n"
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        return f"[this could not be read: {error.strerror}]\n"
    if "PRIVATE KEY" in text or "\0" in text:
        return "[this is a key or no text]\n"
    return blank(text)


def _blank_value(match):
    value = match["value"]
    if _FLAG.fullmatch(value.strip().strip("\"',")):
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['name']}{quote}{BLANK}{quote}"
