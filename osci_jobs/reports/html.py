# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file, without scripts and without anything from outside."""

from importlib.resources import files
from typing import Any

import jinja2

from osci_jobs.reports.content import Content, duration
from osci_jobs.results.escape import visible


def render(content: Content) -> str:
    """Return report.html: the content of report.txt and the details of failing cases."""
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_finalize,
        lstrip_blocks=True,
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["duration"] = duration
    template = files(__package__).joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(template).render(content=content, record=content.record)


def _finalize(value: Any) -> Any:
    """Make each value that the template shows visible; Jinja escapes it afterwards."""
    return value if isinstance(value, int | float) else visible(str(value))
