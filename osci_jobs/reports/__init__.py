# SPDX-License-Identifier: Apache-2.0
"""What a person reads about a run: report.txt and report.html."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from osci_jobs.errors import ConfigurationError
from osci_jobs.reports import content, html, text
from osci_jobs.results import files, metrics, store
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import visible
from osci_jobs.results.record import Record

_TEXT_BYTES = 64 << 20


def write(record: Record, suites: Mapping[str, list[Case]], run_directory: Path) -> None:
    """Write report.txt and report.html of the finished run in `run_directory`.

    `suites` are its cases, as `store.read_cases` returns them. Safe to repeat.
    Raises ConfigurationError when metrics/api.csv is missing.
    """
    medians = metrics.read_csv(run_directory / "metrics" / "api.csv")
    bad_rows = store.read_samples(run_directory, suites).bad_rows
    found = content.gather(record, suites, medians, bad_rows, run_directory)
    files.write_text(run_directory / "report.txt", text.render(found))
    files.write_text(run_directory / "report.html", html.render(found))


def read(run_directory: Path) -> str:
    """Return report.txt of the run, made visible; raises ConfigurationError without one."""
    path = run_directory / "report.txt"
    try:
        content, _ = files.read_capped(path, _TEXT_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"The report '{path}' cannot be read: {error.strerror}; "
            f"make it anew with: osci report {shlex.quote(str(run_directory))}"
        ) from error
    return visible(content.decode("utf-8", "backslashreplace")).rstrip("\n")
