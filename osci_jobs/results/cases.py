# SPDX-License-Identifier: Apache-2.0
"""The cases of a suite, read from the `cases.jsonl` that a stranger wrote."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osci_jobs.errors import OsciError
from osci_jobs.results import files
from osci_jobs.results.escape import clip, clip_middle, visible, visible_line

OUTCOMES = ("passed", "failed", "error", "skipped")
FILE_BYTES = 64 * 1024 * 1024
CASES = 100_000
NAME_CHARACTERS = 1_000
MESSAGE_CHARACTERS = 4_000
DETAILS_CHARACTERS = 64 * 1024
SECONDS = 1e9
_TYPES = {"name": str, "classname": str, "outcome": str, "message": str, "details": str}


class MalformedCasesError(OsciError):
    """A suite left nothing that can be read as cases."""

    verdict = "failure"


@dataclass(frozen=True)
class Case:
    """One test of a suite; `message` is short, `details` is its traceback or log."""

    name: str
    classname: str = ""
    outcome: str = "passed"  # passed, failed, error, skipped
    seconds: float = 0.0
    message: str = ""
    details: str = ""

    @property
    def title(self) -> str:
        """The name with its class in front, as people and test runners write it."""
        return f"{self.classname}.{self.name}" if self.classname else self.name

    @property
    def is_failing(self) -> bool:
        """Whether the case failed or could not be run to its end."""
        return self.outcome in ("failed", "error")


@dataclass(frozen=True)
class Counts:
    """How many cases a suite has, and how many of each outcome; their seconds added up."""

    cases: int
    passed: int
    failed: int
    errors: int
    skipped: int
    seconds: float

    @property
    def ran(self) -> int:
        """How many cases were not skipped."""
        return self.cases - self.skipped


def count(cases: Iterable[Case]) -> Counts:
    """Count `cases` by outcome."""
    found = list(cases)
    outcomes = Counter(case.outcome for case in found)
    return Counts(
        cases=len(found),
        passed=outcomes["passed"],
        failed=outcomes["failed"],
        errors=outcomes["error"],
        skipped=outcomes["skipped"],
        seconds=round(sum(case.seconds for case in found), 3),
    )


def clean(case: Case) -> Case:
    """Return `case` with its text visible and no longer than the limits above."""
    return Case(
        name=clip(visible_line(case.name), NAME_CHARACTERS),
        classname=clip(visible_line(case.classname), NAME_CHARACTERS),
        outcome=case.outcome,
        seconds=case.seconds,
        message=clip(visible(case.message), MESSAGE_CHARACTERS),
        details=clip_middle(visible(case.details), DETAILS_CHARACTERS),
    )


def write(path: Path, cases: Iterable[Case]) -> None:
    """Write a file that `read` reads, whole; safe to repeat."""
    lines = [json.dumps(asdict(clean(case)), sort_keys=True) + "\n" for case in cases]
    files.write_text(path, "".join(lines))


def read(path: Path) -> list[Case]:
    """Return the cases in the file at `path`, one JSON object a line.

    A line that is no case becomes a case in error that says so; so does what is
    past a limit. A torn last line is left out. Raises MalformedCasesError when
    there is no such file, or when not one line of it is a case.
    """
    try:
        data, is_cut = files.read_capped(path, FILE_BYTES)
    except OSError as error:
        raise MalformedCasesError(
            f"The cases in '{path}' cannot be read: {error.strerror}.", file=str(path)
        ) from error
    whole, _, torn = data.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []
    if torn and not is_cut and _is_object(torn):
        lines.append(torn)
    cases = _read_lines(lines, path)
    if is_cut:
        cases = [*cases[: CASES - 1], _complaint(f"The file holds more than {FILE_BYTES} bytes.")]
    return cases


def _read_lines(lines: list[bytes], path: Path) -> list[Case]:
    wanted = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    good = 0
    cases = []
    for number, line in wanted[:CASES]:
        fields = _parse(line)
        faults = list(_iter_faults(fields))
        good += not faults
        cases.append(_case(fields) if not faults else _malformed(number, fields, faults))
    if wanted and not good:
        raise MalformedCasesError(f"Not one line of '{path}' is a case.", file=str(path))
    if len(wanted) > CASES:
        cases[-1] = _complaint(f"The file holds {len(wanted)} cases, {CASES} at most are read.")
    return cases


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):  # a stranger may nest as deep as he likes
        return None


def _is_object(line: bytes) -> bool:
    return isinstance(_parse(line), dict)


def _iter_faults(fields: Any) -> Iterator[str]:
    if not isinstance(fields, dict):
        yield "it is not a JSON object"
        return
    yield from (f"'{name}' is missing" for name in ("name", "outcome") if not fields.get(name))
    for name, kind in _TYPES.items():
        if name in fields and not isinstance(fields[name], kind):
            yield f"'{name}' is not a string"
    if isinstance(fields.get("outcome"), str) and fields["outcome"] not in ("", *OUTCOMES):
        yield f"'outcome' is none of {', '.join(OUTCOMES)}"
    if not _is_duration(fields.get("seconds", 0)):
        yield f"'seconds' is not a number from 0 to {SECONDS:.0f}"


def _is_duration(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= SECONDS


def _case(fields: dict[str, Any]) -> Case:
    known = {name: fields[name] for name in _TYPES if name in fields}
    return clean(Case(**known, seconds=round(float(fields.get("seconds", 0)), 6)))


def _malformed(number: int, fields: Any, faults: list[str]) -> Case:
    name = fields.get("name") if isinstance(fields, dict) else None
    title = name if isinstance(name, str) and name else f"line {number} of the cases"
    message = f"Line {number} is not a case: {', '.join(faults)}."
    return clean(Case(title, outcome="error", message=message))


def _complaint(message: str) -> Case:
    return Case("the file of the cases", outcome="error", message=message)
