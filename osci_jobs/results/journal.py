# SPDX-License-Identifier: Apache-2.0
"""The journals that the harvest brought: what a unit said last, and what a request left."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osci_jobs.results import files
from osci_jobs.results.escape import clip, visible_line

LINES_BEFORE, LINES_AFTER = 8, 3
REQUEST_LINES = 30  # of one request, so many at most
_FILE_BYTES = 16 * 1024 * 1024
_LINE_CHARACTERS = 400
_REQUEST = re.compile(r"req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# TIME HOST IDENTIFIER[PID]: MESSAGE, as `journalctl --output short-iso-precise` writes it.
_ENTRY = re.compile(r"(?P<at>\S+) \S+ (?P<who>[^\[:]+)(\[\d+\])?: (?P<text>.*)")
# How programs say that a disk is full.
NO_SPACE = re.compile(r"no space left on device|disk (is )?full|Errno 28\b", re.I)
# The most telling first: no space, the last line of a traceback, what oslo.log
# calls an error, and the words in which other programs complain.
_TELLING = (
    NO_SPACE,
    re.compile(r"^(.*(ERROR|CRITICAL) .*)?[\w.]+(Error|Exception|Denied|Refused|NotFound)\w*: \S"),
    re.compile(r"\b(CRITICAL|ERROR|FATAL)\b"),
    re.compile(r"\b(error|fail|failed|failure|denied|refused|unauthorized|in use)\b", re.I),
)
_SYSTEMD = "systemd"
_END = re.compile(r"exited|Failed|Stopped|Stopping")


@dataclass(frozen=True)
class Passage:
    """A line of a log in its place; `file` is below the run's directory."""

    file: str
    line: str
    context: tuple[str, ...]


def unit_file(host: str, unit: str) -> str:
    """Return where the journal of a unit is, below the run's directory."""
    return f"logs/{host}/journal/{unit}.log"


def failing_passage(run_directory: Path, host: str, unit: str) -> Passage | None:
    """Return the last thing a unit complained of, in its context; None without any complaint."""
    file = unit_file(host, unit)
    lines = read_lines(run_directory, file)
    entries = [_ENTRY.fullmatch(line) for line in lines]
    own = [
        (number, entry["text"])
        for number, entry in enumerate(entries)
        if entry and entry["who"] != _SYSTEMD
    ]
    for pattern in _TELLING:
        for number, text in reversed(own):
            if pattern.search(text):
                return Passage(file, text.strip(), _around(lines, number))
    return None


def first_failure(run_directory: Path, host: str, unit: str) -> str:
    """Return when systemd first saw the unit fail or stop, as the journal writes it; or ""."""
    for line in read_lines(run_directory, unit_file(host, unit)):
        entry = _ENTRY.fullmatch(line)
        if entry and entry["who"] == _SYSTEMD and _END.search(entry["text"]):
            return entry["at"]
    return ""


def place(run_directory: Path, file: str, line: str) -> tuple[str, ...]:
    """Return the lines around the last one that holds `line`; the last ones when none does."""
    lines = read_lines(run_directory, file)
    holding = [number for number, found in enumerate(lines) if line and line in found]
    return _around(lines, holding[-1] if holding else len(lines) - 1)


def requests(text: str) -> list[str]:
    """Return the request ids of OpenStack in the text, each once."""
    return list(dict.fromkeys(_REQUEST.findall(text)))


def request_passages(
    run_directory: Path, hosts: Sequence[str], wanted: Iterable[str]
) -> dict[str, list[tuple[str, str]]]:
    """Return what the services of these hosts logged of each request: (file, line) by time."""
    found: dict[str, list[tuple[str, str]]] = {request: [] for request in wanted}
    for file in _journals(run_directory, hosts) if found else ():
        for line in read_lines(run_directory, file):
            for request in found.keys() & set(_REQUEST.findall(line)):
                found[request].append((file, line))
    return {
        request: _ends(sorted(lines, key=lambda item: item[1])) for request, lines in found.items()
    }


def read_lines(run_directory: Path, file: str) -> list[str]:
    """Return the lines of a log below the run's directory, made visible; none if it is not there.

    A cause may name any file, so a path that leads out of the directory has no lines.
    """
    path = (run_directory / file).resolve()
    if not path.is_relative_to(run_directory.resolve()):
        return []
    try:
        data, _ = files.read_capped(path, _FILE_BYTES)
    except OSError:
        return []
    text = data.decode("utf-8", "backslashreplace")
    return [clip(visible_line(line), _LINE_CHARACTERS) for line in text.split("\n") if line]


def _around(lines: list[str], number: int) -> tuple[str, ...]:
    return tuple(lines[max(number - LINES_BEFORE, 0) : number + 1 + LINES_AFTER])


def _journals(run_directory: Path, hosts: Sequence[str]) -> Iterator[str]:
    for host in hosts:
        for path in sorted((run_directory / "logs" / host / "journal").glob("*.log")):
            yield unit_file(host, path.stem)


def _ends(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep the first lines and the last ones: how it came in, and what became of it."""
    half = REQUEST_LINES // 2
    return lines if len(lines) <= REQUEST_LINES else [*lines[:half], *lines[-half:]]
