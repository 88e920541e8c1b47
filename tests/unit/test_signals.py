# SPDX-License-Identifier: Apache-2.0
"""Signals are held back from the whole process, whatever threads its libraries start.

The kernel gives a signal that the main thread blocks to any thread that does not, and
Python then raises in the main one all the same: in the middle of what is not to be half done.
"""

import json
import os
import subprocess
import sys

import pytest

from osci_jobs import signals

COMMAND = """
from osci_jobs import cli
assert cli.main(["{command}", "no-such-deployment", *{more}]) == 2
"""
COMPARISON = """
from osci_jobs.regression import comparison
"""
PLOTS = """
from pathlib import Path
from osci_jobs.reports import plots
with plots._matplotlib(Path()):
    pass
"""
# What signals each thread but the main one blocks, as proc(5) has them.
MASKS = """
import json, os, re
found = []
for thread in set(os.listdir("/proc/self/task")) - {str(os.getpid())}:
    with open(f"/proc/self/task/{thread}/status") as file:
        found.append(re.search(r"SigBlk:\\s*(\\w+)", file.read())[1])
print(json.dumps(found))
"""


@pytest.mark.parametrize(("command", "more"), [("stress", []), ("regression", ["--null"])])
def test_no_thread_of_a_commands_libraries_hears_what_is_held_back(command, more, tmp_path):
    assert_deaf(COMMAND.format(command=command, more=more), tmp_path)


@pytest.mark.parametrize("program", [COMPARISON, PLOTS])
def test_no_thread_of_what_is_computed_or_drawn_with_hears_it_either(program, tmp_path):
    assert_deaf(program, tmp_path)


def assert_deaf(program, directory):
    """See that the program's libraries start threads, and that these block what stops a run."""
    done = subprocess.run(
        [sys.executable, "-c", program + MASKS],
        cwd=directory,
        # Else it starts as many as there are processors.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "4"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    masks = [int(mask, 16) for mask in json.loads(done.stdout.splitlines()[-1])]
    assert masks
    for mask in masks:
        assert all(mask >> number - 1 & 1 for number in signals.STOPPING)
