# SPDX-License-Identifier: Apache-2.0
"""`osci delete`: remove groups."""

import argparse
import json
import sys

from osci_jobs import groups
from osci_jobs.errors import ConfigurationError


def call(asked: argparse.Namespace) -> int:
    """Remove the groups that are named, or that are of the deployments that are named."""
    rows = groups.list_all(asked.state_dir)
    # A group that is not whole has no deployment any more, only its own name.
    known = {row["group"] for row in rows} | {row["deployment"] for row in rows if row["hosts"]}
    names = known & set(asked.names)
    wanted = [row["group"] for row in rows if {row["group"], row["deployment"]} & names]
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        listed = ", ".join(sorted(row["group"] for row in rows)) or "none"
        raise ConfigurationError(f"There is no group '{unknown[0]}'; there are: {listed}.")
    for name in wanted if not asked.dry_run else []:
        groups.delete(groups.open_ledger(asked.state_dir, name, ""))
        print(f"removed {name}", file=sys.stderr)
    if not asked.dry_run:
        groups.clear(asked.state_dir, lambda text: print(text, file=sys.stderr))
    _print(asked, wanted)
    return 0


def _print(asked: argparse.Namespace, names: list[str]) -> None:
    if asked.json:
        key = "would_delete" if asked.dry_run else "deleted"
        print(json.dumps({key: names}, indent=2))
    elif asked.dry_run:
        print("\n".join(f"would remove {name}" for name in names))
