# SPDX-License-Identifier: Apache-2.0
"""The result of a run: a pure function of its run log and of what its suites left."""
