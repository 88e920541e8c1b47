# SPDX-License-Identifier: Apache-2.0
"""`osci report`: make the report of a run anew from its run log and files."""

import argparse
import json

from osci_jobs import run
from osci_jobs.results import runs, store
from osci_jobs.results.escape import visible_line


def call(asked: argparse.Namespace) -> int:
    """Make it and say where it is; the verdict is the run's, not this command's."""
    directory = runs.find(asked.output, asked.run)
    runs.require_ended(directory)
    record = run.report(directory)
    if asked.json:
        print(json.dumps(store.document(record, directory), sort_keys=True))
    else:
        for name in ("report.txt", "report.html"):
            print(visible_line(str(directory / name)))
    return 0
