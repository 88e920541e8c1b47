# SPDX-License-Identifier: Apache-2.0
"""The suite `command`: any program that writes JUnit."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from osci_jobs.deployment.model import Suite
from osci_jobs.errors import ConfigurationError, OsciError
from osci_jobs.results import cases, files, junit
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import visible_line
from osci_jobs.results.junit import MalformedJunitError
from osci_jobs.suites.outcome import outcome
from osci_jobs.suites.plan import OUTPUT_BYTES, RESERVED, Plan, Services

OPERATIONS: tuple[str, ...] = ()

_ERROR_NAME = "the JUnit files"
_TAIL_BYTES = 16 * 1024


def plan(suite: Suite, services: Services) -> Plan:
    """Return the plan of the deployment's command, with the files that it copies.

    Raises ConfigurationError for names and patterns that cannot be used.
    """
    copied = {path.name: path for path in map(Path, suite.options["copy"])}
    for name in copied.keys() & set(RESERVED):
        raise ConfigurationError(
            f"The suite '{suite.name}' cannot copy '{name}': osci writes a file of that name."
        )
    pattern = suite.options["junit"]
    _check_pattern(suite.name, pattern)
    return Plan(tuple(suite.options["command"]), copied, (pattern,))


def read(directory: Path) -> None:
    """Write cases.jsonl of the JUnit files that came back; safe to repeat.

    Where there is none, where one is malformed, and where the command failed
    though no case of it did, a case in error says so.
    """
    found = list(_capped(_iter_cases(directory)))
    is_unsaid = found and not any(case.is_failing for case in found)
    if is_unsaid and (sentence := _failure(directory)):
        found.append(_error(directory, sentence))
    _write(directory / "cases.jsonl", found)


def _check_pattern(name: str, pattern: str) -> None:
    parts = PurePosixPath(pattern).parts
    # Path.glob of Python 3.11 raises for both; newer ones do not.
    if not parts or any("**" in part and part != "**" for part in parts):
        raise ConfigurationError(
            f"The suite '{name}' has the 'junit' pattern '{pattern}', which names no file; "
            "'**' stands for directories and goes between slashes."
        )


def _iter_cases(directory: Path) -> Iterator[Case]:
    top = directory / "collected"
    paths = sorted(path for path in top.rglob("*") if path.is_file())
    if not paths:
        sentence = "The command left no file that the option 'junit' names."
        yield _error(directory, f"{sentence} {_failure(directory)}".strip())
    for path in paths:
        try:
            yield from _read_one(path)
        except MalformedJunitError as error:
            name = visible_line(str(path.relative_to(top)))
            yield _error(directory, f"'{name}': {error}")


def _read_one(path: Path) -> list[Case]:
    content, _ = files.read_capped(path, junit.DATA_BYTES + 1)
    return junit.read(content)


def _capped(found: Iterator[Case]) -> Iterator[Case]:
    """Yield cases up to what `cases.read` reads, and one more, so that it can complain."""
    left = cases.FILE_BYTES
    for number, case in enumerate(found):
        yield case
        left -= len(case.name) + len(case.classname) + len(case.message) + len(case.details)
        if left < 0 or number >= cases.CASES:
            return


def _failure(directory: Path) -> str:
    """Return a sentence when the command ended by itself and not well, else nothing."""
    try:
        end = outcome(directory)
    except OsciError as error:
        return str(error)
    if end.ended not in ("exit", "signal") or not end.exit_code:
        return ""
    return f"The command ended with exit code {end.exit_code} after {end.seconds:g} s."


def _error(directory: Path, message: str) -> Case:
    return Case(_ERROR_NAME, outcome="error", message=message, details=_tail(directory))


def _tail(directory: Path) -> str:
    """Return the last of what the command printed."""
    try:
        # Head, tail and the line between them.
        content, _ = files.read_capped(directory / "output.log", OUTPUT_BYTES + 1024)
    except OSError:
        return ""
    tail = content[-_TAIL_BYTES:]
    if len(tail) < len(content):
        tail = tail.partition(b"\n")[2] or tail
    return tail.decode("utf-8", "backslashreplace")


def _write(path: Path, found: list[Case]) -> None:
    if path.is_dir():  # a stranger may have called a directory so
        shutil.rmtree(path)
    cases.write(path, found)
