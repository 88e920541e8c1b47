# SPDX-License-Identifier: Apache-2.0
"""Jobs on a Hudson or Jenkins: what Jenkins Job Builder reads and calls, and the server itself."""
