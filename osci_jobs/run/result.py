# SPDX-License-Identifier: Apache-2.0
"""From what a run left to its result and its report."""

from pathlib import Path

from osci_jobs import reports, suites
from osci_jobs.results import manifest, store
from osci_jobs.results.record import Record
from osci_jobs.run import concluding


def report(run_directory: Path) -> Record:
    """Write everything that follows from the run log and the suites' files; safe to repeat.

    Raises ConfigurationError where there is no run log or its suites are unknown,
    and InfrastructureError when it is damaged.
    """
    if store.began_as_regression(run_directory):
        concluding.write(run_directory)
    modules = store.suite_modules(run_directory)
    found = [suites.find(module) for module in sorted(set(modules.values()))]
    operations = [name for module in found for name in module.OPERATIONS]
    record = store.finish(run_directory, operations, modules)
    reports.write(record, store.read_cases(run_directory), run_directory)
    manifest.write(run_directory)
    return record
