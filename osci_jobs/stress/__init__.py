# SPDX-License-Identifier: Apache-2.0
"""Scenarios of load: find, load and check them."""

from .scenario import OPERATIONS, Scenario, load, names

__all__ = ["OPERATIONS", "Scenario", "load", "names"]
