# SPDX-License-Identifier: Apache-2.0
"""`osci doctor`: what on this machine stands in the way of a run."""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict

from osci_jobs import doctor
from osci_jobs.cli import configuration
from osci_jobs.deployment import Deployment
from osci_jobs.doctor import Finding
from osci_jobs.results import verdict
from osci_jobs.results.escape import visible

_WIDTH = max(map(len, doctor.NAMES))


def call(asked: argparse.Namespace) -> int:
    """Make every check and print what it found, each as soon as it is known."""
    places = doctor.Places(asked.state_dir, asked.cache_dir, asked.output)
    findings = []
    for finding in doctor.examine(places, _loader(asked)):
        findings.append(finding)
        if not asked.json:
            print(_text(finding), flush=True)
    if asked.json:
        checks = [asdict(finding) for finding in findings]
        print(json.dumps({"checks": checks}, indent=2, sort_keys=True))
    return _exit_code(findings)


def _loader(asked: argparse.Namespace) -> Callable[[], Deployment] | None:
    if not asked.deployment:
        return None
    return lambda: configuration.deployment(asked, asked.deployment)


def _text(finding: Finding) -> str:
    line = f"{finding.outcome:7}  {finding.name:{_WIDTH}}  {visible(finding.message)}"
    return f"{line}\n{'':{_WIDTH + 11}}{visible(finding.remedy)}" if finding.remedy else line


def _exit_code(findings: Iterable[Finding]) -> int:
    troubles = {finding.name for finding in findings if finding.outcome == doctor.TROUBLE}
    if doctor.DEPLOYMENT in troubles:
        return verdict.exit_code("configuration")
    return verdict.exit_code("infrastructure" if troubles else "success")
