# SPDX-License-Identifier: Apache-2.0
"""List views on Hudson, by its forms: it takes no XML of a view, which is Jenkins' way."""

import html
import json
from urllib.parse import quote

from osci_jobs.deployment.faults import show
from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson.server import Server

# What a view shows of each job, as one that is made by hand does.
_COLUMNS = (
    *("Status", "Weather", "Job", "LastSuccess", "LastFailure", "LastDuration"),
    *("Console", "BuildButton"),
)


def exists(server: Server, name: str) -> bool:
    """Tell whether the server has a view of that name."""
    return server.find(f"{_path(name)}api/json", _about(name), "name") is not None


def write(server: Server, name: str, description: str, regex: str) -> bool:
    """Make a view of the jobs whose names match, or change it; tell whether it is new.

    `description` is plain text, `regex` is Java's. Safe to repeat. Raises
    ConfigurationError for a regex that Java does not take, else as the server's calls do.
    """
    about = _about(name)
    _check_regex(server, about, regex)
    is_new = not exists(server, name)
    if is_new:
        kind = {"name": name, "mode": "hudson.model.ListView"}
        server.post("createView", about, {**kind, "json": json.dumps(kind)})
    form = _form(name, html.escape(description), regex)
    server.post(f"{_path(name)}configSubmit", about, form)
    return is_new


def _check_regex(server: Server, about: str, regex: str) -> None:
    """Ask before it is sent: Hudson saves one that is wrong, and does not start with it again."""
    path = "descriptorByName/hudson.model.ListView/checkIncludeRegex"
    if b"class=error" in server.read(path, about, {"value": regex}).content:
        raise ConfigurationError(
            f"'{server.url}', {about}: found {show(regex)}, expected a regular expression of Java."
        )


def _path(name: str) -> str:
    return f"view/{quote(name, safe='')}/"


def _about(name: str) -> str:
    return f"the view '{name}'"


def _form(name: str, description: str, regex: str) -> dict[str, str]:
    """Return a view's form: Hudson reads some fields there, some in its JSON, some in both."""
    plain = {"name": name, "description": description}
    columns = [
        {
            "stapler-class": f"hudson.views.{column}Column",
            "kind": f"hudson.views.{column}Column$DescriptorImpl",
        }
        for column in _COLUMNS
    ]
    document = {
        **plain,
        "filterQueue": False,
        "filterExecutors": False,
        "statusFilter": "",
        "useincluderegex": {"includeRegex": regex},
        "columns": columns,
    }
    fields = {**plain, "useincluderegex": "on", "includeRegex": regex}
    return {**fields, "json": json.dumps(document)}
