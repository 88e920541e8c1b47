# SPDX-License-Identifier: Apache-2.0
"""The jobs of a deployment on a Hudson: of which families, when, where and for how long."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .faults import Fault, Path, show
from .model import Job, Limit
from .place import has_services

# Each family of jobs, by the command that they run.
FAMILIES = ("functional", "stress", "regression")
DEFAULTS = {"label": "netns", "schedule": "", "history": 50, "mail": []}

# What a build may take beside its run: the check, the report, and Hudson's own work.
_MARGIN_MINUTES = 10
# Each field of cron with its lowest and highest number. `H` is Jenkins' alone.
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_PART = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([1-9][0-9]?))?", re.ASCII)
_ORIGIN_OF_FAMILIES = "default: all that the deployment can run"
_ORIGIN_OF_LIMIT = "default: the limits of run, harvest and delete, and ten minutes"


def check(value: dict[str, Any]) -> Iterator[Fault]:
    """Yield families that cannot run, what stands twice, and a schedule that is none."""
    given = value.get("job") or {}
    for position, family in enumerate(given.get("families") or ()):
        yield from _check_family(value, ("job", "families", position), family)
    for key in ("families", "mail"):
        yield from _check_twice(("job", key), given.get(key) or ())
    yield from _check_schedule(("job", "schedule"), given.get("schedule") or "")


def resolve(
    value: dict[str, Any], limits: Mapping[str, Limit]
) -> tuple[Job, dict[str, Path | str]]:
    """Return the jobs of a checked deployment, and where each value came from."""
    given = value.get("job", {})
    words = DEFAULTS | {"families": _runnable(value), "limit": _minutes(limits)} | given
    job = Job(
        families=tuple(words["families"]),
        label=words["label"],
        schedule=" ".join(words["schedule"].split()),
        limit_minutes=int(words["limit"]),
        history=int(words["history"]),
        mail=tuple(words["mail"]),
    )
    return job, _origins(given)


def _check_family(value: dict[str, Any], path: Path, family: str | None) -> Iterator[Fault]:
    if family is not None and family not in _runnable(value):
        lacks = "suites" if family == "functional" else "services"
        yield Fault(path, show(family), f"no such family, because the deployment has no {lacks}")


def _check_twice(path: Path, words: Sequence[str | None]) -> Iterator[Fault]:
    for position, word in enumerate(words):
        if word is not None and word in words[:position]:
            yield Fault((*path, position), show(word), f"each of '{path[-1]}' once")


def _check_schedule(path: Path, schedule: str) -> Iterator[Fault]:
    if schedule in ("", *_NAMES):
        return
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, _, _ in _FIELDS)
        expected = f"the five fields of cron ({names}), or a word such as '@daily'"
        yield Fault(path, show(schedule), expected, schedule, _NAMES)
        return
    for field, (name, lowest, highest) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, lowest, highest) for part in field.split(",")):
            expected = f"as {name} '*', numbers from {lowest} to {highest}, '-', ',' and '/' only"
            yield Fault(path, show(schedule), expected)
            return


def _is_part(part: str, lowest: int, highest: int) -> bool:
    match = _PART.fullmatch(part)
    if not match:
        return False
    first, last, _ = match.groups()
    start, end = int(first or lowest), int(last or first or highest)
    return lowest <= start <= end <= highest


def _runnable(value: dict[str, Any]) -> list[str]:
    """Return the families whose command the deployment can run."""
    has_load = has_services(value)
    has_suites = bool(value["suites"]) if value.get("suites") is not None else has_load
    can = {"functional": has_suites, "stress": has_load, "regression": has_load}
    return [family for family in FAMILIES if can[family]]


def _minutes(limits: Mapping[str, Limit]) -> int:
    """Return how long a build may take, so that osci's own limits end a run before."""
    seconds = sum(limits[phase].seconds for phase in ("run", "harvest", "delete"))
    return math.ceil(seconds / 60) + _MARGIN_MINUTES


def _origins(given: dict[str, Any]) -> dict[str, Path | str]:
    reasons = {"families": _ORIGIN_OF_FAMILIES, "limit": _ORIGIN_OF_LIMIT}
    origins: dict[str, Path | str] = {}
    for key in ("families", *DEFAULTS, "limit"):
        field = "limit_minutes" if key == "limit" else key
        origins[f"job.{field}"] = ("job", key) if key in given else reasons.get(key, "default")
    return origins
