# SPDX-License-Identifier: Apache-2.0
"""Where a build leaves its run, and what the server keeps of it."""

from osci_jobs.results import store

# Where a job's `osci … --run-directory` leaves its run, below the workspace.
RUN_DIRECTORY = "run"
JUNIT = f"{RUN_DIRECTORY}/junit/*.xml"
ARTIFACTS = f"{RUN_DIRECTORY}/**"

RECORD = f"{RUN_DIRECTORY}/{store.RUN}"
REPORT = f"{RUN_DIRECTORY}/report.html"
