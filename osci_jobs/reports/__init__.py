# SPDX-License-Identifier: Apache-2.0
"""What a person reads about a run: report.txt, report.html and the plots."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import document, pairs, sides
from osci_jobs.reports import answer, answer_text, content, html, links, plots, svg, text
from osci_jobs.results import files, harvested, store
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import visible
from osci_jobs.results.record import Record

_TEXT_BYTES = 64 << 20
# A mail of 100 KB holds so much of both forms, whatever their letters: base64 makes it a third
# longer. Of a change that brings more, less of each kind is shown.
_ANSWER_BYTES = 72_000
_SHOWN = (20, 10, 5, 2, 1)


def write(record: Record, suites: Mapping[str, list[Case]], run_directory: Path) -> None:
    """Write report.txt, report.html and plots/*.svg of the finished run in `run_directory`.

    `suites` are its cases, as `store.read_cases` returns them; samples and what
    was harvested are read from the directory. A plot without data is not made,
    and not kept either. Safe to repeat.
    """
    found = _content(record, suites, run_directory)
    if store.is_regression(record):
        _write_answer(found, run_directory)
    else:
        _write_page(found, run_directory)


def headline(run_directory: Path) -> str:
    """Return the answer of a run that held a change against trunk, in one line."""
    return read(run_directory).split("\n\n", 1)[0].replace("\n", " ")


def _content(
    record: Record, suites: Mapping[str, list[Case]], run_directory: Path
) -> content.Content:
    samples = store.read_samples(run_directory, suites)
    harvest = harvested.read(run_directory, tuple(host.name for host in record.hosts))
    scenarios = store.read_load(run_directory, suites)
    compared = document.read(run_directory / document.FILE)
    return content.gather(record, suites, samples, harvest, run_directory, scenarios, compared)


def _write_answer(found: content.Content, run_directory: Path) -> None:
    """Write the report of a change, so short that it can be mailed."""
    known = sides.read(run_directory)
    measured = pairs.read(path) if (path := run_directory / pairs.FILE).exists() else ()
    for shown in _SHOWN:
        told = answer.gather(found, known, measured, shown)
        text_form, page = answer_text.render(found, told), html.render_answer(found, told)
        if len(text_form.encode()) + len(page.encode()) <= _ANSWER_BYTES:
            break
    files.write_text(run_directory / "report.txt", text_form)
    files.write_text(run_directory / "report.html", page)


def _write_page(found: content.Content, run_directory: Path) -> None:
    drawn = plots.draw(found)
    for name in plots.NAMES:
        _write_plot(run_directory / "plots" / f"{name}.svg", drawn.get(name))
    files.write_text(run_directory / "report.txt", text.render(found))
    page = html.render(found, drawn, links.gather(run_directory))
    files.write_text(run_directory / "report.html", page)


def read(run_directory: Path) -> str:
    """Return report.txt of the run, made visible; raises ConfigurationError without one."""
    path = run_directory / "report.txt"
    try:
        data, _ = files.read_capped(path, _TEXT_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"The report '{path}' cannot be read: {error.strerror}; "
            f"make it anew with: osci report {shlex.quote(str(run_directory))}"
        ) from error
    return visible(data.decode("utf-8", "backslashreplace")).rstrip("\n")


def _write_plot(path: Path, plot: svg.Plot | None) -> None:
    if plot:
        files.write_text(path, svg.standalone(plot))
    else:
        path.unlink(missing_ok=True)
