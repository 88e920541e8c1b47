# SPDX-License-Identifier: Apache-2.0
"""`osci show`: the report of a run, as it was written."""

import argparse
import json

from osci_jobs import reports
from osci_jobs.results import record, runs, store


def call(asked: argparse.Namespace) -> int:
    """Print report.txt, or run.json's object; the verdict is the run's, not this command's."""
    directory = runs.find(asked.output, asked.run)
    runs.require_result(directory)
    if asked.json:
        found = record.load(directory / store.RUN)
        print(json.dumps(store.document(found, directory), sort_keys=True))
    else:
        print(reports.read(directory))
    return 0
