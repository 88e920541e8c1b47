# SPDX-License-Identifier: Apache-2.0
"""Whether the machine did something else while it was measured on."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_LOOPS = 200_000
_TIMES = 3
_STAT = Path("/proc/stat")
_STEAL = 8  # the place of stolen time in the first line, see proc(5)
# What makes a pair a noisy one: so much slower than the others, so much time stolen.
_SLOW, _STOLEN = 1.25, 0.05


@dataclass(frozen=True)
class Look:
    """The machine at one pair: seconds of a fixed loop, and the share of time stolen since."""

    canary_seconds: float
    stolen: float

    def is_noisy(self, usual_seconds: float) -> bool:
        """Tell whether the machine was slower than usual, or not ours."""
        return self.canary_seconds > _SLOW * usual_seconds or self.stolen > _STOLEN


class Watch:
    """The machine from one pair to the next."""

    def __init__(self) -> None:
        self._canary = 0.0
        self._stolen = self._at = 0.0

    def begin(self) -> None:
        """Sing before a pair; nothing of ours should run."""
        self._canary = min(_sing() for _ in range(_TIMES))
        self._stolen, self._at = _stolen_seconds(), time.monotonic()

    def end(self) -> Look:
        """Return what the machine was like since `begin`."""
        passed = (time.monotonic() - self._at) * (os.cpu_count() or 1)
        return Look(self._canary, (_stolen_seconds() - self._stolen) / max(passed, 1e-9))


def noisy(looks: Sequence[Look]) -> list[int]:
    """Return the numbers of the pairs, from 0, at which the machine did something else."""
    usual = median([look.canary_seconds for look in looks]) if looks else 0.0
    return [number for number, look in enumerate(looks) if look.is_noisy(usual)]


def _sing() -> float:
    started = time.perf_counter()
    number = 0
    for one in range(_LOOPS):
        number += one
    return time.perf_counter() - started


def _stolen_seconds() -> float:
    words = _STAT.read_text(encoding="utf-8").split("\n", 1)[0].split()
    return int(words[_STEAL]) / os.sysconf("SC_CLK_TCK")
