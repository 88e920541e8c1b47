# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file, without scripts and without anything from outside."""

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from osci_jobs.reports import load, svg, text
from osci_jobs.reports.amounts import amount, duration, number, size
from osci_jobs.reports.answer import Answer
from osci_jobs.reports.content import Content
from osci_jobs.reports.links import Link
from osci_jobs.results.escape import visible


def render(content: Content, plots: Mapping[str, svg.Plot], links: Sequence[Link]) -> str:
    """Return report.html: the content of report.txt, details of failing cases, and plots."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            content=content,
            record=content.record,
            drawn={name: svg.inline(plot) for name, plot in plots.items()},
            words={name: plot.words for name, plot in plots.items()},
            links=links,
            late=text.LATE,
            uncounted=list(load.iter_uncounted(content.load)),
            resources=load.RESOURCES,
        )
    )


def render_answer(content: Content, answer: Answer) -> str:
    """Return report.html of a run that held a change against trunk, as a mail can have it."""
    template = _environment().get_template("answer.html.j2")
    return template.render(content=content, record=content.record, answer=answer)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("osci_jobs.reports"),
        autoescape=True,
        finalize=_finalize,
        lstrip_blocks=True,
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "amount": amount,
        "duration": duration,
        "number": number,
        "size": size,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Make each value that the template shows visible; Jinja escapes it afterwards.

    What is markup already, an SVG or what a macro made, is visible.
    """
    is_plain = isinstance(value, int | float) or hasattr(value, "__html__")
    return value if is_plain else visible(str(value))
