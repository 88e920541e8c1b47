# SPDX-License-Identifier: Apache-2.0
"""`osci functional`: deploy and run the functional suites."""

import argparse
import json
import os

from osci_jobs.cli import described, parameters, running
from osci_jobs.errors import ConfigurationError
from osci_jobs.results import store


def call(asked: argparse.Namespace) -> int:
    """Run the suites of a deployment; the report goes to standard output."""
    with described.told(asked):
        return _call(asked)


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
        running.show(wanted.run_directory, [group] if group else [])
    return running.exit_code(asked, record)
