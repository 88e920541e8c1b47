# SPDX-License-Identifier: Apache-2.0
"""`osci stress`: deploy, and put load on what was deployed."""

from osci_jobs.cli.functional import call

__all__ = ["call"]
