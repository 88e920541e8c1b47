# SPDX-License-Identifier: Apache-2.0
"""`osci create`: a deployed OpenStack to use by hand."""

import argparse
import json
from pathlib import Path

from osci_jobs.cli import running
from osci_jobs.groups import Group
from osci_jobs.hudson import account
from osci_jobs.results import store


def call(asked: argparse.Namespace) -> int:
    """Make and deploy a group; print how to get in."""
    wanted = running.order(asked)
    if asked.dry_run:
        running.print_plan(asked, wanted)
        return 0
    record, group = running.carry_out(asked, wanted)
    if asked.json:
        document = store.document(record, wanted.run_directory)
        print(json.dumps({**document, "access": _access(group)}, sort_keys=True))
    elif group:
        print(_text(group))
    else:
        print((wanted.run_directory / "report.txt").read_text(encoding="utf-8"))
    return running.exit_code(asked, record)


def _access(group: Group | None) -> dict | None:
    if group is None:
        return None
    return {
        "group": group.name,
        "hosts": dict(group.hosts),
        "ssh_config": str(group.ssh_config),
        "clouds": _there(group.clouds),
        "conf": _there(group.conf),
    }


def _there(path: Path) -> str | None:
    return str(path) if path.exists() else None


def _text(group: Group) -> str:
    lines = [
        f"The group {group.name} is up:",
        *(f"  {name:12} {address}" for name, address in group.hosts.items()),
        f"Log in:         osci ssh {group.name} tester",
        f"With ssh, scp:  ssh -F {group.ssh_config} tester",
    ]
    if group.clouds.exists():
        lines += [
            f"The cloud:      osci ssh {group.name} tester openstack server list",
            f"clouds.yaml:    {group.clouds} (cloud 'osci'; its addresses are the group's own)",
        ]
    if group.conf.exists():
        lines += [
            f"The Hudson:     {account.load(group.conf).url}",
            f"Its account:    {group.conf} (for a browser too, and for --conf)",
        ]
    return "\n".join([*lines, f"Remove it:      osci delete {group.name}"])
