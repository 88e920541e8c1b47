# SPDX-License-Identifier: Apache-2.0
"""How long each phase may take and how long it may say nothing."""

from collections.abc import Iterator
from typing import Any

from .faults import Fault, Path, show
from .model import Limit

DEFAULTS = {
    "fetch": Limit(900, 120),
    "install": Limit(1200, 300),
    "create": Limit(60, 30),
    "deploy": Limit(420, 240),
    "suite": Limit(1800, 600),
    "harvest": Limit(60, 30),
    "delete": Limit(30, 30),
    "run": Limit(7200, 7200),
}


def check(value: dict[str, Any]) -> Iterator[Fault]:
    """Yield limits of silence that are longer than their phase."""
    for phase, entry in (value.get("timeouts") or {}).items():
        if phase not in DEFAULTS or not isinstance(entry, dict):
            continue
        seconds = entry.get("seconds") or DEFAULTS[phase].seconds
        silence = entry.get("silence")
        if silence is not None and silence > seconds:
            expected = f"at most {seconds:g}, the seconds that the phase has"
            yield Fault(("timeouts", phase, "silence"), show(silence), expected)


def resolve(value: dict[str, Any]) -> tuple[dict[str, Limit], dict[str, Path | str]]:
    """Return the limit of each phase, and where its two numbers came from.

    A phase with less time than its limit of silence has that cut to its time.
    """
    limits: dict[str, Limit] = {}
    origins: dict[str, Path | str] = {}
    given = value.get("timeouts", {})
    for phase, default in DEFAULTS.items():
        entry = given.get(phase, {})
        numbers = entry if isinstance(entry, dict) else {"seconds": entry}
        seconds = numbers.get("seconds", default.seconds)
        silence = numbers.get("silence", min(default.silence_seconds, seconds))
        limits[phase] = Limit(seconds, silence)
        path: Path = ("timeouts", phase)
        key_path = (*path, "seconds") if isinstance(entry, dict) else path
        origins[f"limits.{phase}.seconds"] = key_path if "seconds" in numbers else "default"
        origins[f"limits.{phase}.silence_seconds"] = (
            (*path, "silence") if "silence" in numbers else "default"
        )
    return limits, origins
