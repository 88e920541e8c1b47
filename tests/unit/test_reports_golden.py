# SPDX-License-Identifier: Apache-2.0
"""Tests of the reports on runs of which everything is known: a record and files in, reports out.

Each directory of `tests/data/reports` is a run; its `expected` holds its reports,
but for the drawings, which depend on matplotlib. OSCI_REWRITE_GOLDEN=1 rewrites those.
"""

import os
import re
import shutil
from pathlib import Path

import page
import pytest

from osci_jobs import reports
from osci_jobs.reports import plots
from osci_jobs.results import cases, record

DATA = Path(__file__).parent.parent / "data" / "reports"
RUNS = sorted(path.name for path in DATA.iterdir())
RUN = Path("20261123T093544Z-basic-4f2a1c")
SECTIONS = ("findings", "later", "cases", "timeline", "api", "services", "hosts", "tested", "again")
EIGHTY = 80


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes the reports on the run `name` and returns their directory."""
    monkeypatch.chdir(tmp_path)

    def make(name):
        shutil.copytree(DATA / name, RUN, ignore=shutil.ignore_patterns("expected"))
        found = record.load(RUN / "run.json")
        suites = {suite: cases.read(RUN / "cases" / f"{suite}.jsonl") for suite in found.suites}
        reports.write(found, suites, RUN)
        return RUN

    return make


@pytest.mark.parametrize("name", RUNS)
def test_a_run_gives_the_reports_it_gave_before(write, name):
    run_directory = write(name)
    for file in ("report.txt", "report.html"):
        data = page.stable(file, (run_directory / file).read_bytes())
        expected = DATA / name / "expected" / file
        if os.environ.get("OSCI_REWRITE_GOLDEN"):
            expected.parent.mkdir(exist_ok=True)
            expected.write_bytes(data)
        assert data.decode() == expected.read_text("utf-8")


def test_the_page_has_all_sections_in_order(write):
    text = (write("failure") / "report.html").read_text("utf-8")
    page.check(text)
    places = [text.index(f'<h2 id="{name}">') for name in SECTIONS]
    assert places == sorted(places)
    assert text.count("<svg") == len(set(plots.NAMES) - {"load", "series"})


def test_verdict_failing_line_and_log_come_before_all_else(write):
    text = (write("failure") / "report.html").read_text("utf-8")
    head = text[text.index("<body>") : text.index("<nav")]
    assert head.index("failure") < head.index("<mark>&gt; 09:36:33 systemd[1]")
    assert '<a href="logs/host1/journal/nova-conductor.log">' in head
    assert head.count("<mark>") == 1


def test_every_link_leads_to_a_file_of_the_run(write):
    run_directory = write("failure")
    text = (run_directory / "report.html").read_text("utf-8")
    links = re.findall(r'<a href="([^#"]+)"', text)
    assert {"run.json", "plots/timeline.svg", "logs/host1/"} <= set(links)
    assert [link for link in links if not (run_directory / link).exists()] == []


def test_the_text_keeps_to_the_terminal(write):
    lines = (write("failure") / "report.txt").read_text("utf-8").splitlines()
    copied = ("> ", "log: ", "osci ")
    long = [line for line in lines if len(line) > EIGHTY]
    assert [line for line in long if not line.lstrip().startswith(copied)] == []
    assert sum(line.startswith("  > ") for line in lines) == 1
