# SPDX-License-Identifier: Apache-2.0
"""Sources: from what was asked for to the commit that is tested, in mirrors of the cache."""
