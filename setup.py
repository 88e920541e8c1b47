# SPDX-License-Identifier: Apache-2.0
"""Add what setup.cfg cannot say: whole trees of data, kept as trees below share/osci."""

from pathlib import Path

from setuptools import setup

TREES = ("playbooks", "config", "jobs")


def data_files() -> list[tuple[str, list[str]]]:
    """Return every directory of the trees with its files."""
    directories = sorted(
        {file.parent for tree in TREES for file in Path(tree).rglob("*") if file.is_file()}
    )
    return [
        (
            f"share/osci/{directory}",
            [str(file) for file in sorted(directory.iterdir()) if file.is_file()],
        )
        for directory in directories
        if directory.name != "__pycache__"
    ]


setup(data_files=data_files())
