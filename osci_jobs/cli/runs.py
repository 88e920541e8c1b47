# SPDX-License-Identifier: Apache-2.0
"""`osci runs`: the runs in a directory of results."""

import argparse
import json
from dataclasses import asdict

from osci_jobs.cli.table import table
from osci_jobs.results import runs
from osci_jobs.results.runs import Row


def call(asked: argparse.Namespace) -> int:
    """List the runs, the newest first."""
    rows = [runs.row(path) for path in runs.found(asked.output)]
    wanted = [row for row in rows if asked.deployment in ("", row.deployment)]
    if asked.json:
        print(json.dumps({"runs": [asdict(row) for row in wanted]}, indent=2, sort_keys=True))
        return 0
    for line in table([_cells(row) for row in wanted]):
        print(line)
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
    return (row.run, row.verdict, seconds, row.deployment, row.command, row.remedy)
