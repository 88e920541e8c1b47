# SPDX-License-Identifier: Apache-2.0
"""JUnit as others see it: Jenkins's schema, and two readers that are not osci's."""

import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import junitparser
import pytest
import xmlschema
from junit2htmlreport import parser as junit2html

from osci_jobs.results import junit
from osci_jobs.results.cases import Case, count

GOLDEN = sorted(Path(__file__).parents[2].glob("data/results/*/expected/junit/*.xml"))
# The schema of Jenkins's plugin xUnit comes with pytest's own tests, which hold pytest to it.
SCHEMA_PACKAGE = "pytest==8.3.5"
SCHEMA = "testing/example_scripts/junit-10.xsd"

ILLEGAL = [chr(code) for code in (*range(0x20), 0x7F, 0xFFFE, 0xFFFF, 0x1FFFE)]
SURROGATES = ["\ud800", "\udfff", "\udc80"]
MARKUP = ["<b>&amp;</b>", "]]>", "\"'", "<!DOCTYPE x>", "<?php ?>", "&#0;", "\u202egnp.exe"]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    directory = tmp_path_factory.mktemp("schema")
    words = ["--quiet", "--no-deps", "--no-binary=:all:", f"--dest={directory}", SCHEMA_PACKAGE]
    subprocess.run([sys.executable, "-m", "pip", "download", *words], check=True)
    (archive,) = directory.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        name = next(name for name in tar.getnames() if name.endswith(SCHEMA))
        return xmlschema.XMLSchema(tar.extractfile(name).read())


@pytest.fixture
def hostile(tmp_path):
    """A file with a case for each hostile name, in each outcome."""
    outcomes = ("passed", "failed", "error", "skipped")
    names = [f"test {text} end" for text in (*ILLEGAL, *SURROGATES, *MARKUP)]
    cases = [
        Case(name, f"class {name}", outcomes[number % 4], 0.1, f"message {name}", f"details {name}")
        for number, name in enumerate(names)
    ]
    path = tmp_path / "hostile.xml"
    junit.write(path, "hostile <&> \x1b[31m", cases, datetime.now(UTC), {"a": "b\x00"})
    return path, cases


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_the_golden_files_are_as_jenkins_wants_them(schema, path):
    assert [error.reason for error in schema.iter_errors(str(path))] == []


def test_hostile_names_are_as_jenkins_wants_them(schema, hostile):
    assert [error.reason for error in schema.iter_errors(str(hostile[0]))] == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_two_readers_count_what_osci_counts(path):
    _assert_both_count(path, junit.read(path.read_bytes()))


def test_two_readers_count_hostile_names_and_show_them(hostile):
    path, cases = hostile
    _assert_both_count(path, cases)
    names = [case.name for case in _suite(path)]
    assert len(set(names)) == len(cases)
    assert all(name.isprintable() for name in names)


def _assert_both_count(path, cases):
    counts = count(cases)
    by_outcome = (counts.cases, counts.failed, counts.errors, counts.skipped)
    assert _by_junitparser(path) == by_outcome
    # The other one takes an error for a failure.
    assert _by_junit2html(path) == (counts.cases, counts.failed + counts.errors, counts.skipped)


def _suite(path):
    (suite,) = junitparser.JUnitXml.fromfile(str(path))
    return suite


def _by_junitparser(path):
    suite = _suite(path)
    kinds = [type(result).__name__ for case in suite for result in case.result]
    numbers = [kinds.count(kind) for kind in ("Failure", "Error", "Skipped")]
    assert numbers == [suite.failures, suite.errors, suite.skipped]
    return (len(list(suite)), *numbers)


def _by_junit2html(path):
    (suite,) = junit2html.Junit(str(path)).suites
    cases = suite.all()
    outcomes = [str(case.outcome()) for case in cases]
    return (len(cases), *(outcomes.count(kind) for kind in ("failed", "skipped")))
