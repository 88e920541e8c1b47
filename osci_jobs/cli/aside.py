# SPDX-License-Identifier: Apache-2.0
"""What a command says beside its output."""

import sys

from osci_jobs.results.escape import visible_line


def say(text: str) -> None:
    """Say a line on standard error at once, a stranger's words made visible."""
    print(f"osci: {visible_line(text)}", file=sys.stderr, flush=True)
