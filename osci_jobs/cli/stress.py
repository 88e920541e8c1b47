# SPDX-License-Identifier: Apache-2.0
"""`osci stress`: deploy, and put load on what was deployed."""

import argparse

from osci_jobs.cli import functional, pairing


def call(asked: argparse.Namespace) -> int:
    """Put load on a deployment, or on two sides by turns; the report goes to standard output."""
    if asked.against is not None:
        return pairing.call(asked)
    pairing.require_none(asked)
    return functional.call(asked)
