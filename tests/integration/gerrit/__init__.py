# SPDX-License-Identifier: Apache-2.0
"""Tests on a real Gerrit; a package, so that it is gone before other tests begin."""
