# SPDX-License-Identifier: Apache-2.0
"""`osci groups`: the groups on this machine."""

import argparse
import json
import sys

from osci_jobs import groups


def call(asked: argparse.Namespace) -> int:
    """List the groups after removing those whose command has died."""
    groups.clear(asked.state_dir, lambda text: print(text, file=sys.stderr))
    found = groups.list_all(asked.state_dir)
    if asked.json:
        print(json.dumps({"groups": found}, indent=2, sort_keys=True))
        return 0
    for row in found:
        hosts = " ".join(row["hosts"])
        print(f"{row['group']}  {row['state']:7}  {row['deployment']:12}  {hosts}")
    return 0
