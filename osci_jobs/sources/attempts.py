# SPDX-License-Identifier: Apache-2.0
"""Ask a server once more when it did not answer, a few times and ever later."""

import time
from collections.abc import Callable
from typing import Any

from osci_jobs.errors import InfrastructureError

# Before the second attempt, the third and the fourth, which is the last one.
WAITS = (5.0, 10.0, 15.0)


class AwayError(InfrastructureError):
    """The server did not answer, or not so that it makes sense: it may come back."""


def repeated(
    attempt: Callable[[], Any], say: Callable[[str], None], waits: tuple[float, ...] = WAITS
) -> Any:
    """Return what an attempt does; after an AwayError make another one, as long as there are waits.

    `say` hears of each attempt that failed. Raises InfrastructureError after the last one.
    """
    for wait in waits:
        try:
            return attempt()
        except AwayError as error:
            say(f"{error} The next attempt is in {wait:g} s.")
            time.sleep(wait)
    try:
        return attempt()
    except AwayError as error:
        raise InfrastructureError(f"{error} That was attempt {len(waits) + 1}.") from error
