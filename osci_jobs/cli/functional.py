# SPDX-License-Identifier: Apache-2.0
"""`osci functional`: deploy and run the functional suites."""

import argparse
import json
import os

from osci_jobs.cli import described, parameters, running
from osci_jobs.errors import ConfigurationError, OsciError
from osci_jobs.results import store


def call(asked: argparse.Namespace) -> int:
    """Run the suites of a deployment; the report goes to standard output."""
    try:
        return _call(asked)
    except OsciError as error:
        if asked.ci:
            described.by_error(error)
        raise


def _call(asked: argparse.Namespace) -> int:
    if asked.ci:
        running.clear(asked)
        asked = parameters.applied(asked, os.environ)
    wanted = running.order(asked)
    if not wanted.suites:
        raise ConfigurationError(f"The deployment '{wanted.deployment.name}' has no suites.")
    if asked.dry_run:
        running.print_plan(asked, wanted)
        return 0
    record, group = running.carry_out(asked, wanted)
    if asked.ci:
        described.by_record(record)
    if asked.json:
        print(json.dumps(store.document(record, wanted.run_directory), sort_keys=True))
    else:
        print((wanted.run_directory / "report.txt").read_text(encoding="utf-8"))
        if group:
            running.show_kept(group)
    return running.exit_code(asked, record)
