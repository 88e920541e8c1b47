# SPDX-License-Identifier: Apache-2.0
"""`osci completion`: the completion script of a shell."""

import argparse

import shtab

from osci_jobs.cli import arguments


def call(asked: argparse.Namespace) -> int:
    """Print the script."""
    print(shtab.complete(arguments.parser(), shell=asked.shell))
    return 0
