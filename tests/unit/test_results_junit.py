# SPDX-License-Identifier: Apache-2.0
"""Tests of JUnit XML, written and read."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from osci_jobs.results import cases, junit
from osci_jobs.results.cases import Case, count
from osci_jobs.results.junit import MalformedJunitError

STARTED = datetime(2026, 11, 23, 10, 35, 44, tzinfo=timezone(timedelta(hours=1)))
EVERY_CHARACTER = "".join(map(chr, range(0x10000))) + chr(0x1FFFE) + chr(0x10FFFF)
HOSTILE = [
    "every character " + EVERY_CHARACTER[:500],
    "surrogates \ud800 \udfff \udc00\ud800",
    "</testcase></testsuite>",
    "\"quoted' & <b>&#0; ]]> <!-- <![CDATA[",
    "\x1b[2J\x1b]0;title\x07 \x9b31m",
    "\u202egpj.exe\u202c \u2066x\u2069 \ufeff",
    "line\nbreak\r\n\ttab",
    "{{ 7 * 7 }} {% raw %} ${HOME} $(id) `id`",
]


def _write(path, found, **properties):
    junit.write(path, "api", found, STARTED, properties)
    return path.read_bytes()


def _etree_counts(data):
    suite = ElementTree.fromstring(data)
    found = [
        len(suite.findall(query))
        for query in ("testcase", "testcase/failure", "testcase/error", "testcase/skipped")
    ]
    attributes = [int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")]
    assert found == attributes
    return found


def _counts(found):
    counts = count(found)
    return [counts.cases, counts.failed, counts.errors, counts.skipped]


def test_a_suite_is_one_element_in_utc_without_a_host(tmp_path):
    data = _write(
        tmp_path / "api.xml", [Case("one", seconds=0.1), Case("two", seconds=0.2)], run="r"
    )
    suite = ElementTree.fromstring(data)
    assert suite.tag == "testsuite"
    assert suite.get("timestamp") == "2026-11-23T09:35:44Z"
    assert suite.get("time") == "0.300"
    assert suite.get("hostname") is None
    assert suite.find("properties/property").attrib == {"name": "run", "value": "r"}


@pytest.mark.parametrize("outcome", cases.OUTCOMES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_as_visible_text(tmp_path, outcome, text):
    found = [Case(text, text, outcome, 1.5, text, text), Case(text, outcome=outcome)]
    data = _write(tmp_path / "api.xml", found, **{text: text})
    read = junit.read(data)
    assert _etree_counts(data) == _counts(read) == _counts(found)
    assert [case.outcome for case in read] == [outcome] * 2
    expected = cases.clean(found[0])
    assert (read[0].name, read[0].classname) == (expected.name, expected.classname)
    if outcome != "passed":
        assert read[0].message == expected.message
        assert read[0].details == expected.details.strip("\n")


def test_every_character_can_be_in_details(tmp_path):
    details = "".join(map(chr, range(sys.maxunicode + 1)))
    found = [
        Case(f"part {start}", outcome="failed", details=details[start : start + 5000])
        for start in range(0, len(details), 5000)
    ]
    data = _write(tmp_path / "api.xml", found)
    assert _etree_counts(data) == _counts(junit.read(data)) == _counts(found)
    assert junit.read(data)[0].details == cases.clean(found[0]).details


def test_a_failure_without_a_reason_still_counts(tmp_path):
    found = [Case(outcome, outcome=outcome) for outcome in cases.OUTCOMES]
    data = _write(tmp_path / "api.xml", found)
    assert _etree_counts(data) == _counts(junit.read(data)) == [4, 1, 1, 1]


def test_as_many_cases_as_are_read_can_be_written_and_read_back(tmp_path):
    found = [Case(f"c{number}") for number in range(cases.CASES)]
    assert junit.read(_write(tmp_path / "api.xml", found)) == found


def test_nested_suites_are_read_in_order():
    data = b"""<?xml version="1.0"?>
    <testsuites><testsuite name="a"><properties/><testsuite name="b">
      <testcase name="one" classname="k" time="1,234.5"/>
      <testcase name="two" time="-0.1"><skipped/><system-out>out</system-out></testcase>
    </testsuite></testsuite><testsuite>
      <testcase name="three">
        <failure message="m">one<br/>two</failure><error>worse</error>
      </testcase>
    </testsuite></testsuites>"""
    assert junit.read(data) == [
        Case("one", "k", seconds=1234.5),
        Case("two", outcome="skipped"),
        Case("three", outcome="error", details="worse"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_are_read(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="ü"/></testsuite>'
    assert junit.read(text.encode(encoding)) == [Case("ü")]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not well formed"),
        (b"rubbish", "not well formed"),
        (b"<testsuite>", "not well formed"),
        (b"<testsuite/><testsuite/>", "not well formed"),
        (b"<testsuite>\xff</testsuite>", "not well formed"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "not well formed"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', "doctype"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "doctype"),
        (b"<testsuite>&a;</testsuite>", "not well formed"),
        (b"<html/>", "root 'html'"),
        (b'<testsuites><testcase name="x"/></testsuites>', "not right in a 'testsuite'"),
        (b"<testsuite><testcase/></testsuite>", "without a name"),
        (
            b'<testsuite><testcase name="a"><testsuite><testcase name="b"/></testsuite>'
            b"</testcase></testsuite>",
            "not right in a 'testsuite'",
        ),
        (b'<testsuite><testcase name="a" time="long"/></testsuite>', "'long', which is no"),
        (b'<testsuite><testcase name="a" time="nan"/></testsuite>', "'nan', which is no"),
        (b'<testsuite><testcase name="a" time="1e99"/></testsuite>', "'1e99', which is no"),
        (b"<testsuite>" * 101, "nested deeper than 100"),
        (b"<testsuite>" * 900_000, "nested deeper than 100"),
        (b"<testsuite>" + b'<testcase name="a"/>' * 100_001 + b"</testsuite>", "more than 100000"),
        (b" " * (10 * 1024 * 1024 + 1), "more than 10485760 bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_junit_is_refused_with_a_sentence(data, fault):
    with pytest.raises(MalformedJunitError, match=fault) as caught:
        junit.read(data)
    assert str(caught.value).startswith("The JUnit XML ")


def test_text_of_a_stranger_becomes_visible_and_capped():
    name = "\u202e" + "n" * 2000
    failure = f"<failure>{'d' * 100_000}</failure>"
    data = f"<testsuite><testcase name='{name}'>{failure}</testcase></testsuite>"
    case = junit.read(data.encode())[0]
    assert case.name.startswith(r"\u202en")
    assert len(case.name) == cases.NAME_CHARACTERS
    assert "34464 characters left out" in case.details


def test_a_time_of_another_zone_is_written_in_utc(tmp_path):
    junit.write(tmp_path / "a.xml", "a", [], STARTED.astimezone(UTC), {})
    assert b'timestamp="2026-11-23T09:35:44Z"' in (tmp_path / "a.xml").read_bytes()
