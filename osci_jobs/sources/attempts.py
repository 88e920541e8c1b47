# SPDX-License-Identifier: Apache-2.0
"""Ask a server once more when it did not answer, a few times and ever later."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from osci_jobs.errors import InfrastructureError

# How long one question to a web service may last; Launchpad describes itself in 1.5 MB first.
QUESTION_SECONDS = 30.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How long a server may be silent, and the waits before each further attempt.

    `say` hears of each attempt that failed.
    """

    seconds: float
    say: Callable[[str], None]
    waits: tuple[float, ...] = (5.0, 10.0, 15.0)


class AwayError(InfrastructureError):
    """The server did not answer, or not so that it makes sense: it may come back."""


def repeated(attempt: Callable[[], Result], patience: Patience) -> Result:
    """Return what an attempt does; after an AwayError make another, as long as there are waits.

    Raises InfrastructureError after the last one.
    """
    for wait in patience.waits:
        try:
            return attempt()
        except AwayError as error:
            patience.say(f"{error} It is asked again in {wait:g} s.")
        time.sleep(wait)
    try:
        return attempt()
    except AwayError as error:
        count = len(patience.waits) + 1
        times = f" It was asked {count} times." if count > 1 else ""
        raise InfrastructureError(f"{error}{times}", line=error.line) from error
