# SPDX-License-Identifier: Apache-2.0
"""The comparison of two sides, metric by metric: which got worse, and how sure that is."""
