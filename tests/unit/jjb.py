# SPDX-License-Identifier: Apache-2.0
"""Jenkins Job Builder as a CI admin runs it, on templates of the tree."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from osci_jobs import deployment
from osci_jobs.hudson import listing

TREE = Path(__file__).parents[2]
JOBS = TREE / "jobs"
SIGNATURE = "<!-- Managed by Jenkins Job Builder -->"


def jenkins_jobs(jobs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run `jenkins-jobs test`, which writes the XML of each job and view below `out`."""
    command = [sys.executable, "-m", "jenkins_jobs", "test", str(jobs), "-o", str(out)]
    return subprocess.run(
        [*command, "--config-xml"], cwd=jobs.parent, capture_output=True, text=True, check=False
    )


def rendered(jobs: Path, out: Path) -> dict[str, bytes]:
    """Return the XML of each job and view, by its name."""
    done = jenkins_jobs(jobs, out)
    assert done.returncode == 0, done.stderr
    return {path.parent.name: path.read_bytes() for path in sorted(out.rglob("config.xml"))}


def rendered_deployments(deployments: Path, directory: Path) -> dict[str, bytes]:
    """Return the XML that the tree's templates make of all deployments of a directory."""
    jobs = directory / "jobs"
    shutil.copytree(JOBS, jobs)
    text = listing.text(deployment.load_all(deployments))
    (jobs / listing.FILE).write_text(text, "utf-8")
    return rendered(jobs, directory / "out")


def parsed(found: dict[str, bytes]) -> dict[str, Element]:
    """Return the jobs among what was rendered, without the views."""
    roots = {name: ElementTree.fromstring(xml) for name, xml in found.items()}
    return {name: root for name, root in roots.items() if root.tag == "project"}


def text(job: Element, path: str) -> str:
    """Return the text of the one element at the path."""
    (found,) = job.findall(path)
    return found.text or ""
