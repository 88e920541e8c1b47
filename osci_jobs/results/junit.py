# SPDX-License-Identifier: Apache-2.0
"""JUnit XML: written for Hudson, and read when a stranger wrote it."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

import junit_xml

from osci_jobs.errors import OsciError
from osci_jobs.results import cases as limits
from osci_jobs.results import files
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import visible_line

DATA_BYTES = 10 * 1024 * 1024
DEPTH = 100
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}
_SEVERITY = ("passed", "skipped", "failed", "error")


class MalformedJunitError(OsciError):
    """What a stranger left is not JUnit XML, or is past a limit."""

    verdict = "failure"


def write(
    path: Path,
    suite_name: str,
    cases: Iterable[Case],
    started: datetime,
    properties: Mapping[str, str],
) -> None:
    """Write the suite's `cases` to `path` as one <testsuite>; safe to repeat.

    `started` is a time with its zone, written in UTC. The host's name stays out.
    """
    suite = junit_xml.TestSuite(
        visible_line(suite_name),
        [_test_case(limits.clean(case)) for case in cases],
        timestamp=started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        properties={visible_line(key): visible_line(text) for key, text in properties.items()},
    )
    # The package's own printer goes through minidom, which loses the line ends
    # in attributes: https://github.com/python/cpython/issues/50002
    element = suite.build_xml_doc()
    # The schema that Jenkins's plugin xUnit holds files against does not know it.
    del element.attrib["disabled"]
    ElementTree.indent(element)
    text = ElementTree.tostring(element, encoding="unicode")
    files.write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def read(data: bytes) -> list[Case]:
    """Return the cases of a stranger's JUnit XML, in the order of the document.

    The root is <testsuites> or <testsuite>, and suites may hold suites. Raises
    MalformedJunitError for anything else, for any doctype, and past 10 MiB,
    100,000 cases or a depth of 100.
    """
    if len(data) > DATA_BYTES:
        raise MalformedJunitError(f"The JUnit XML holds more than {DATA_BYTES} bytes.")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise MalformedJunitError(f"The JUnit XML is not well formed: {error}.") from error
    return reader.cases


def _test_case(case: Case) -> junit_xml.TestCase:
    # A Decimal, for the package adds the seconds up and writes the sum as it is.
    seconds = Decimal(f"{case.seconds:.3f}")
    test_case = junit_xml.TestCase(case.name, case.classname or None, seconds)
    # The package counts no failure or error that has neither message nor output.
    message = case.message or f"The case ended as '{case.outcome}' and gave no reason."
    if case.outcome == "failed":
        test_case.add_failure_info(message, case.details)
    elif case.outcome == "error":
        test_case.add_error_info(message, case.details)
    elif case.outcome == "skipped":
        test_case.add_skipped_info(message, case.details)
    return test_case


class _Reader:
    """The state of one parse: the open elements and the case that is being read."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._open: list[str] = []
        self._case: dict[str, str] | None = None
        self._seconds = 0.0
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        parent = self._open[-1] if self._open else ""
        self._open.append(tag)
        if len(self._open) > DEPTH:
            self._refuse(f"is nested deeper than {DEPTH} elements")
        if not parent and tag not in ("testsuites", "testsuite"):
            self._refuse(f"has the root '{visible_line(tag)}', not 'testsuites' or 'testsuite'")
        if tag == "testcase":
            self._start_case(parent, attributes)
        elif parent == "testcase" and tag in _OUTCOMES:
            self._start_outcome(_OUTCOMES[tag], attributes)

    def _start_case(self, parent: str, attributes: dict[str, str]) -> None:
        if parent != "testsuite" or self._case is not None:
            self._refuse("has a 'testcase' that is not right in a 'testsuite'")
        if not attributes.get("name"):
            self._refuse("has a 'testcase' without a name")
        if len(self.cases) == limits.CASES:
            self._refuse(f"has more than {limits.CASES} cases")
        self._seconds = self._duration(attributes.get("time", ""))
        self._case = {"name": attributes["name"], "classname": attributes.get("classname", "")}

    def _start_outcome(self, outcome: str, attributes: dict[str, str]) -> None:
        case = self._case
        if case is None:
            return
        worst = case.get("outcome", "passed")
        if _SEVERITY.index(outcome) <= _SEVERITY.index(worst):
            return
        self._text = []
        case.update(outcome=outcome, message=attributes.get("message", ""))

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        self._open.pop()
        parent = self._open[-1] if self._open else ""
        if self._case is None:
            return
        if self._text is not None and parent == "testcase":
            self._case["details"] = "".join(self._text).strip("\n")
            self._text = None
        elif tag == "testcase":
            self.cases.append(limits.clean(Case(**self._case, seconds=self._seconds)))
            self._case = None

    def _duration(self, text: str) -> float:
        """Return the seconds in `text`; some writers set thousands apart by a comma."""
        try:
            seconds = float(text.replace(",", "") or 0)
        except ValueError:
            seconds = math.nan
        if not abs(seconds) <= limits.SECONDS:
            self._refuse(f"has the time '{visible_line(text[:40])}', which is no duration")
        return max(seconds, 0.0)  # a clock that was set back gives less than nothing

    def _refuse(self, fault: str) -> NoReturn:
        line = self.parser.CurrentLineNumber
        raise MalformedJunitError(f"The JUnit XML {fault} (line {line}).")


def _refuse_doctype(*_: object) -> NoReturn:
    raise MalformedJunitError("The JUnit XML has a doctype, which osci does not read.")
