# SPDX-License-Identifier: Apache-2.0
"""Jenkins Job Builder, called as a CI admin calls it."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from osci_jobs import process
from osci_jobs.errors import ConfigurationError, InfrastructureError, OsciError

_SILENCE_SECONDS = 120
_VIEW = "hudson.model.ListView"
_SIGNATURE = "<!-- Managed by Jenkins Job Builder -->"


@dataclass(frozen=True)
class View:
    """A view that lists the jobs whose names match `regex`."""

    name: str
    description: str
    regex: str


def update(conf: Path, directory: Path) -> None:
    """Bring the jobs below `directory` to the server that `conf` names.

    Raises InfrastructureError with the last thing that Jenkins Job Builder said.
    """
    _run(["--conf", str(conf), "update", str(directory)], InfrastructureError)


def views(directory: Path) -> list[View]:
    """Return the views that the files below `directory` describe, by name.

    Raises ConfigurationError with the last thing that Jenkins Job Builder said.
    """
    with tempfile.TemporaryDirectory(prefix="views-") as output:
        _run(["test", str(directory), "--config-xml", "-o", output], ConfigurationError)
        roots = [ElementTree.parse(path).getroot() for path in sorted(Path(output).rglob("*.xml"))]
    return [_view(root) for root in roots if root.tag == _VIEW]


def _view(root: ElementTree.Element) -> View:
    description = root.findtext("description", "").removesuffix(_SIGNATURE)
    return View(root.findtext("name", ""), description, root.findtext("includeRegex", ""))


def _run(words: list[str], error: type[OsciError]) -> None:
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="jenkins-jobs-") as home:
        code = process.run(
            [sys.executable, "-m", "jenkins_jobs", *words],
            name="jenkins-jobs",
            silence_seconds=_SILENCE_SECONDS,
            # It keeps a cache of what it sent in the home directory.
            environment={"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            on_line=lines.append,
        )
    if code:
        said = [line.strip() for line in lines if line.strip()] or [f"exit code {code}"]
        raise error(f"Jenkins Job Builder failed: {said[-1]}", line=said[-1])
