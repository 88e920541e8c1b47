# SPDX-License-Identifier: Apache-2.0
"""What strangers wrote of their branches and changes, in every form of a result."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import page
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hostile

from osci_jobs import run
from osci_jobs.results.escape import visible_line
from osci_jobs.results.record import NO_SOURCE
from osci_jobs.results.runlog import RunLog
from osci_jobs.results.store import LOG

KEPT = [text for text in (*hostile.CORPUS, *hostile.REF_CORPUS) if len(text) < 2_000]


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A run whose source has hostile facts and as many hostile details as there are strings."""
    directory = tmp_path_factory.mktemp("run")
    deployment = {"name": "x", "digest": "0", "resolved": {}}
    details = {f"d{number}": text for number, text in enumerate(KEPT)}
    nova = {"kind": "git", "text": KEPT[0], "url": KEPT[1], "ref": KEPT[2], "details": details}
    (directory / "cases").mkdir()
    (directory / "cases" / "a.jsonl").write_text('{"name": "one", "outcome": "passed"}\n')
    with RunLog(directory / LOG) as log:
        log.append(
            "run_started",
            run="20261126T000000Z-x-000000",
            command="functional",
            arguments=["x", *KEPT],
            deployment=deployment,
            group="",
            suites=["a"],
            keep="never",
        )
        log.append("source", project="nova", source=nova)
        log.append("phase_started", phase="a")
        log.append("suite_ended", suite="a", outcome="success")
        log.append("phase_ended", outcome="success", duration=1.0)
        log.append("run_ended")
    assert run.report(directory).verdict == "success"
    return directory, details


def test_there_are_enough():
    assert len(KEPT) >= 300


def test_run_json_has_them_as_they_are(reported):
    directory, details = reported
    found = json.loads((directory / "run.json").read_text())["sources"]["nova"]
    assert found["details"] == details
    assert set(found) == set(NO_SOURCE)


def test_junit_is_xml_and_has_each(reported):
    directory, details = reported
    root = ElementTree.parse(directory / "junit" / "a.xml")
    values = {one.get("name"): one.get("value") for one in root.iter("property")}
    for name, text in details.items():
        if text:
            assert values[f"source.nova.{name}"] == visible_line(text)


def test_the_page_is_sound(reported):
    directory, _ = reported
    page.check((directory / "report.html").read_text())


def test_nothing_reaches_the_terminal(reported):
    directory, _ = reported
    text = (directory / "report.txt").read_text()
    blanks = "\n\xa0\u3000"  # which is all that they are
    assert not [one for one in text if not one.isprintable() and one not in blanks]
    assert "\u202e" not in text


def test_nothing_was_run():
    assert not list(Path.cwd().glob("canary-*"))
