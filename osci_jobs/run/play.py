# SPDX-License-Identifier: Apache-2.0
"""osci's own playbooks on a group, and what a task that failed means for the run."""

from collections.abc import Callable, Mapping
from typing import Any

from osci_jobs import data, playbook
from osci_jobs.errors import InfrastructureError, OsciError
from osci_jobs.groups import Group

Say = Callable[..., None]

PLAYBOOKS = data.directory() / "playbooks"


def play(
    name: str,
    group: Group,
    hosts: Mapping[str, Any],
    variables: Mapping[str, Any],
    silence_seconds: float,
    say: Say,
) -> playbook.Outcome:
    """Run one of osci's playbooks on the group; returns and raises as `playbook.run` does."""
    return playbook.run(
        PLAYBOOKS / name, hosts, variables, group.ssh_config, group.scratch, silence_seconds, say
    )


def trouble(
    failure: playbook.Failure, sentence: str, error: type[OsciError] = InfrastructureError
) -> OsciError:
    """Return the error for a failed task: where it failed, and its last line."""
    where = f" on '{failure.host}'" if failure.host else ""
    task = f"'{failure.task}'" if failure.task else "Ansible"
    if failure.is_unreachable:
        sentence = f"The host '{failure.host}' does not answer"
    return error(
        f"{sentence}; {task} failed{where}: {failure.message}",
        host=failure.host,
        unit=failure.task,
        line=last_line(failure.message),
    )


def last_line(text: str) -> str:
    """Return the last line of a text that has something in it, "" for none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
