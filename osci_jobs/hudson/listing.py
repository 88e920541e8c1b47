# SPDX-License-Identifier: Apache-2.0
"""The list of deployments from which Jenkins Job Builder makes a job for each family."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from osci_jobs.deployment import FAMILIES, Deployment
from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson import notation
from osci_jobs.results import metrics

# Not `.yaml`: a list of values is no file of its own for Jenkins Job Builder.
FILE = "deployments.inc"

# When load is put on a deployment whose file has no schedule.
NIGHTLY = "@midnight"

_GROUPS = 3

_HEAD = "# Made by `osci jobs render` from the deployment files, which are the place for changes.\n"
_READ = (".yaml", ".yml", ".inc")


def check(directory: Path) -> None:
    """Raise ConfigurationError where a file of the jobs is one that none should read."""
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix in _READ)
    except OSError as error:
        raise ConfigurationError(
            f"'{directory}': The directory of jobs cannot be read: {error.strerror}. "
            f"'--jobs-dir' names another."
        ) from error
    for path in files:
        if path.name != FILE:
            notation.check(path)


def text(deployments: Iterable[Deployment]) -> str:
    """Return the list: an entry for each deployment, by name."""
    by_name = sorted(deployments, key=lambda deployment: deployment.name)
    return _HEAD + notation.write([{one.name: _values(one)} for one in by_name])


def differences(old: str, new: str) -> dict[str, str]:
    """Return what is stale in the old text: 'missing', 'changed' or 'left over', by deployment.

    The old text is not read as YAML, for anybody may have written it.
    """
    before, after = _entries(old), _entries(new)
    stale = {name: "missing" for name in after if name not in before}
    stale |= {name: "left over" for name in before if name not in after}
    stale |= {name: "changed" for name in after if before.get(name, after[name]) != after[name]}
    if old != new and not stale:
        stale = {FILE: "changed"}
    return dict(sorted(stale.items()))


def _values(deployment: Deployment) -> dict[str, Any]:
    """Return what the templates of jobs know of a deployment.

    Hudson shows a description as HTML. Jenkins Job Builder reads braces as its
    own, unless they are doubled.
    """
    job = deployment.job
    values: dict[str, Any] = {
        "description": html.escape(deployment.description, quote=False),
        "history": job.history,
        "label": job.label,
        "limit": job.limit_minutes,
        "mail": list(job.mail),
        "metrics": list(metrics.names(bool(deployment.services))),
        # Two sides and what is run again are three groups, one after the other.
        "regression_limit": _GROUPS * job.limit_minutes,
        "regression_metrics": [metrics.EFFECTS],
        "schedule": job.schedule,
        "stress_metrics": list(metrics.names(bool(deployment.services), has_load=True)),
        "stress_schedule": job.schedule or NIGHTLY,
    }
    doubled = {key: _doubled(value) for key, value in values.items()}
    return doubled | {family: family in job.families for family in FAMILIES}


def _doubled(value: Any) -> Any:
    if isinstance(value, list):
        return [_doubled(item) for item in value]
    return value.replace("{", "{{").replace("}", "}}") if isinstance(value, str) else value


def _entries(text_of_list: str) -> dict[str, str]:
    """Return each entry's text by its name; what stands before the first one has none."""
    _, *entries = text_of_list.split('\n- "')
    return {entry.partition('"')[0]: entry.rstrip("\n") for entry in entries}
