# SPDX-License-Identifier: Apache-2.0
"""Groups: the hosts of one run, made and removed together, through a ledger."""

import secrets
from collections.abc import Callable
from pathlib import Path

from osci_jobs.deployment.model import Deployment
from osci_jobs.errors import ConfigurationError, InfrastructureError, OsciError
from osci_jobs.groups import cgroup, machine, model, netns, resource
from osci_jobs.groups import ledger as ledgers
from osci_jobs.groups.ledger import Ledger
from osci_jobs.groups.model import TESTER, Group

__all__ = ["TESTER", "Group", "Ledger", "claim", "create", "delete", "found", "open_ledger"]


def new_token() -> str:
    """Return six hexadecimal digits that name a run and its group."""
    return secrets.token_hex(3)


def open_ledger(state: Path, name: str, run: str) -> Ledger:
    """Open the ledger of the group `name`, new or not, and lock it."""
    ledger = Ledger(state / "groups" / f"{name}.jsonl", run)
    try:
        ledger.open()
    except OSError as error:
        raise InfrastructureError(
            f"The state directory '{state}' cannot be written: {error.strerror}; "
            "name another with --state-dir or OSCI_STATE_DIR."
        ) from error
    return ledger


def make_scratch(ledger: Ledger) -> None:
    """Make the directory for the files of a moment that a group's work needs."""
    scratch = model.scratch(ledger.path.stem)
    ledger.record("make", "tree", str(scratch))
    scratch.mkdir(mode=0o700, parents=True)


def create(ledger: Ledger, deployment: Deployment, lowers: list[Path], run: str) -> Group:
    """Make and boot the hosts of a deployment and its tester."""
    directory = ledger.path.with_suffix("")
    group = Group(
        name=ledger.path.stem,
        run=run,
        deployment=deployment.name,
        directory=directory,
        hosts=netns.addresses(deployment.hosts),
        services=deployment.services,
    )
    ledger.record("make", "tree", str(directory))
    ledger.record("make", "mount", str(directory))
    directory.mkdir(mode=0o700)
    # In memory: what is secret in here is never on a disk.
    machine.mount(["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", str(directory)])
    netns.create(ledger, group, deployment, lowers)
    model.save(group)
    return group


def freeze(group: Group):
    """Stop all processes of the group's hosts; raises as `cgroup.freeze` does.

    It must not be for long: who waits for an answer from there gives up.
    """
    for host in group.hosts:
        cgroup.freeze(f"{group.name}-{host}")


def thaw(group: Group):
    """Let the group's hosts go on; safe to repeat."""
    for host in group.hosts:
        cgroup.thaw(f"{group.name}-{host}")


def lost(group: Group) -> list[str]:
    """Return the hosts of the group in which nothing runs any more."""
    return [host for host in group.hosts if not cgroup.processes(f"{group.name}-{host}")]


def delete(ledger: Ledger):
    """Remove all that the ledger lists, then the ledger; the caller has it open.

    What cannot be removed does not keep the rest from going; it stays in the
    ledger and the first such trouble is raised.
    """
    troubles = []
    for item in resources_of(ledger):
        try:
            resource.remove(item.kind, item.name)
        except OsciError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    ledger.remove()


def resources_of(ledger: Ledger) -> list[ledgers.Resource]:
    """Return what there is to remove: hosts first, for all else is in use by them."""
    items = ledgers.resources(ledger.path)
    return sorted(items, key=lambda item: item.kind != "hosts")


def found(state: Path) -> list[Path]:
    """Return the ledgers of all groups, the oldest name first."""
    return sorted((state / "groups").glob("*.jsonl"))


def abandoned(state: Path) -> list[str]:
    """Return the names of the groups whose command has died; `clear` would remove them."""
    return [path.stem for path in found(state) if _is_abandoned(path)]


def _is_abandoned(path: Path) -> bool:
    try:
        return not ledgers.is_owned(path) and not ledgers.is_kept(path)
    except FileNotFoundError:
        return False  # its command has just ended well


def list_all(state: Path) -> list[dict]:
    """Return a row for each group: group, state (kept or in use), deployment, hosts, run."""
    return [_row(path) for path in found(state)]


def _row(path: Path) -> dict:
    row = {"group": path.stem, "state": "kept" if ledgers.is_kept(path) else "in use"}
    try:
        group = _load(path)
    except FileNotFoundError:
        return {**row, "state": "broken", "deployment": "", "hosts": {}, "run": ""}
    return {**row, "deployment": group.deployment, "hosts": dict(group.hosts), "run": group.run}


def look_up(state: Path, name: str) -> Group:
    """Return a group as it stands, in use or not.

    Raises ConfigurationError when there is none of that name, and
    InfrastructureError when it is not whole (after a restart of the machine).
    """
    path = state / "groups" / f"{name}.jsonl"
    names = [ledger.stem for ledger in found(state)]
    if name not in names:
        known = ", ".join(names) or "none"
        raise ConfigurationError(f"There is no group '{name}'; there are: {known}.")
    try:
        return _load(path)
    except FileNotFoundError as error:
        raise InfrastructureError(
            f"The group '{name}' is not whole; remove it with: osci delete {name}"
        ) from error


def _load(path: Path) -> Group:
    """Return the group of the ledger at `path`; raise FileNotFoundError when it is not whole."""
    try:
        return model.load(path.with_suffix(""))
    except PermissionError as error:
        raise InfrastructureError(
            f"The group '{path.stem}' is root's; run osci as root (for example with sudo)."
        ) from error


def fits(group: Group, deployment: Deployment) -> bool:
    """Tell whether the group has the hosts and services of the deployment as it is now."""
    return dict(group.hosts) == netns.addresses(deployment.hosts) and dict(group.services) == dict(
        deployment.services
    )


def claim(state: Path, name: str) -> tuple[Ledger, Group]:
    """Take a group for a run of its own; raises as `look_up` and `open_ledger` do."""
    group = look_up(state, name)
    return open_ledger(state, name, ""), group


def clear(state: Path, say: Callable[[str], None]) -> None:
    """Remove every group whose command died before it could.

    One that cannot be removed is spoken of and left to the next command.
    """
    for path in found(state):
        try:
            ledger = open_ledger(state, path.stem, "")
        except InfrastructureError:
            continue
        if ledgers.is_kept(path) or not path.exists():
            ledger.close()
            continue
        say(f"Removing the group '{path.stem}', whose command has died.")
        try:
            delete(ledger)
        except OsciError as error:
            ledger.close()
            say(str(error))
