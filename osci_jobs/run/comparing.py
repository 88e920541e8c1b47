# SPDX-License-Identifier: Apache-2.0
"""A comparison as a suite of its run: a case for each metric that was tested."""

from pathlib import Path

from osci_jobs.regression.document import Document
from osci_jobs.regression.model import WORSE, Finding
from osci_jobs.reports.changes import sentence
from osci_jobs.results import cases, store
from osci_jobs.results.cases import Case

SUITE = store.COMPARISON


def write_cases(directory: Path, found: Document) -> str:
    """Write the cases of the comparison, and return its outcome: regression or success.

    Without a case it is empty, which says that nothing could be tested.
    """
    told = of_metrics(found)
    cases.write(directory / "cases" / f"{SUITE}.jsonl", told)
    return "regression" if any(one.is_failing for one in told) else "success"


def of_metrics(found: Document) -> list[Case]:
    """Return a case for each metric that was tested; those that got worse fail."""
    return [_case(one, found) for one in found.comparison.findings if one.p is not None]


def _case(one: Finding, found: Document) -> Case:
    scenario, _, name = one.name.partition(".")
    if one.answer != WORSE:
        return Case(name, scenario)
    return Case(name, scenario, "failed", message=sentence(one, found.units[one.name]))
