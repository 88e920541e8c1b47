# SPDX-License-Identifier: Apache-2.0
"""osci's own components of Jenkins Job Builder, registered by entry points.

Each is right on Hudson 3.3.2 and on Jenkins. A key that none of them knows is
an error, for Jenkins Job Builder itself leaves a misspelt key out in silence.
"""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from jenkins_jobs.errors import JenkinsJobsException
from jenkins_jobs.modules import publishers, triggers

from osci_jobs.deployment.faults import hint, quoted, show
from osci_jobs.hudson.artifacts import ARTIFACTS, JUNIT, RUN_DIRECTORY
from osci_jobs.results import metrics

# The keys of each component, all of them required, and what each holds.
KEYS: dict[str, dict[str, type]] = {
    "osci-results": {"mail": list, "metrics": list},
    "osci-schedule": {"cron": str},
    "osci-limit": {"minutes": int},
}
_TYPES = {list: "a list of texts", str: "a text", int: "a whole number"}

# What the plot plugin 1.6 of Hudson is not to find missing: it makes up the name of
# a CSV file anew with each update of a job, and fails on a series without a flag.
_PLOT = {
    "group": "osci",
    "style": "line",
    "num-builds": "",
    "use-description": False,
    "exclude-zero-yaxis": False,
    "logarithmic-yaxis": False,
    "keep-records": False,
    "width": "750",
    "height": "450",
}
_SERIES = {
    "format": "csv",
    "inclusion-flag": "off",
    "exclude": "",
    "url": "",
    "display-table": False,
}


def results(registry: Any, parent: Element, data: Any) -> None:
    """yaml: osci-results

    Publish what a run leaves: JUnit, its whole directory, plots of `metrics`
    (the names of CSV files), and a mail to `mail` unless all is well. A build
    without JUnit fails.
    """
    given = _checked("osci-results", data)
    for name in given["metrics"]:
        _check_word("osci-results.metrics", data, "metrics", name, metrics.TITLES)
    publishers.junit(registry, parent, {"results": JUNIT})
    _archive(parent)
    publishers.plot(registry, parent, [_plot(name) for name in given["metrics"]])
    if given["mail"]:
        publishers.email(registry, parent, {"recipients": " ".join(given["mail"])})


def schedule(registry: Any, parent: Element, data: Any) -> None:
    """yaml: osci-schedule

    Build at the times of `cron`; never by itself where that is empty.
    """
    given = _checked("osci-schedule", data)
    if given["cron"]:
        triggers.timed(registry, parent, given["cron"])


def limit(_registry: Any, parent: Element, data: Any) -> None:
    """yaml: osci-limit

    Abort a build after `minutes`. The XML is that of build-timeout 1.6, the last
    one for Hudson, which later versions read too; they lack its way to write it.
    """
    given = _checked("osci-limit", data)
    wrapper = ElementTree.SubElement(parent, "hudson.plugins.build__timeout.BuildTimeoutWrapper")
    ElementTree.SubElement(wrapper, "timeoutMinutes").text = str(given["minutes"])
    ElementTree.SubElement(wrapper, "failBuild").text = "false"


def _archive(parent: Element) -> None:
    """Keep the whole run; Hudson 3.3.2 refuses a job with any other key of the archiver."""
    archiver = ElementTree.SubElement(parent, "hudson.tasks.ArtifactArchiver")
    ElementTree.SubElement(archiver, "artifacts").text = ARTIFACTS
    ElementTree.SubElement(archiver, "latestOnly").text = "false"


def _plot(name: str) -> dict[str, Any]:
    return _PLOT | {
        "title": metrics.TITLES[name],
        "yaxis": metrics.units(name),
        "csv-file-name": f"osci-{name}.csv",
        "series": [_SERIES | {"file": f"{RUN_DIRECTORY}/{metrics.path(name)}"}],
    }


def _checked(component: str, data: Any) -> dict[str, Any]:
    """Return the keys of a component; raises JenkinsJobsException unless they are right."""
    known = KEYS[component]
    if not isinstance(data, dict):
        raise JenkinsJobsException(
            f"{component}: found {show(data)}, expected the keys {quoted(known)}."
        )
    for key in data:
        _check_word(component, data, key, key, known)
    for key, kind in known.items():
        if not isinstance(data.get(key), kind):
            found = show(data[key]) if key in data else "nothing"
            raise JenkinsJobsException(
                f"{component}.{key}: found {found}, expected {_TYPES[kind]}.",
                pos=_place(data, key),
            )
    return data


def _check_word(place: str, data: Any, key: str, word: Any, known: Iterable[str]) -> None:
    names = tuple(known)
    if word not in names:
        raise JenkinsJobsException(
            f"{place}: found {show(word)}, expected {quoted(names)}.{hint(str(word), names)}",
            pos=_place(data, key),
        )


def _place(data: Any, key: str) -> Any:
    """Return where the key stands, or else its component, as Jenkins Job Builder knows it."""
    return getattr(data, "key_pos", {}).get(key) or getattr(data, "pos", None)
