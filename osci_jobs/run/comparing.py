# SPDX-License-Identifier: Apache-2.0
"""A comparison as a suite of its run: a case for each metric that was tested."""

import json
from pathlib import Path
from typing import Any

from osci_jobs.regression.document import Document
from osci_jobs.regression.model import WORSE, Finding
from osci_jobs.reports.changes import sentence
from osci_jobs.results import files, store

SUITE = store.COMPARISON
PAIRS = "pairs.csv.gz"


def write_cases(directory: Path, found: Document) -> str:
    """Write the cases of the comparison, and return its outcome: regression or success.

    Without a case it is empty, which says that nothing could be tested.
    """
    cases = [_case(one, found) for one in found.comparison.findings if one.p is not None]
    text = "".join(json.dumps(one) + "\n" for one in cases)
    files.write_text(directory / "cases" / f"{SUITE}.jsonl", text)
    return "regression" if any(one["outcome"] == "failed" for one in cases) else "success"


def _case(one: Finding, found: Document) -> dict[str, Any]:
    scenario, _, name = one.name.partition(".")
    is_worse = one.answer == WORSE
    return {
        "classname": scenario,
        "name": name,
        "outcome": "failed" if is_worse else "passed",
        "message": sentence(one, found.units[one.name]) if is_worse else "",
    }
