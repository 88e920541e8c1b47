# SPDX-License-Identifier: Apache-2.0
"""Jobs, builds and the queue of a server, read from its JSON without trust in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from osci_jobs.hudson.server import Server, job_path
from osci_jobs.results.escape import clip

# How a build ended, in Hudson's words, and the colour by which a job shows its last one.
RESULTS = {
    "SUCCESS": "success",
    "UNSTABLE": "unstable",
    "FAILURE": "failure",
    "NOT_BUILT": "not built",
    "ABORTED": "aborted",
}
COLOURS = {
    "blue": "success",
    "green": "success",  # Hudson's own
    "yellow": "unstable",
    "red": "failure",
    "grey": "not built",
    "nobuilt": "not built",
    "notbuilt": "not built",
    "aborted": "aborted",
    "disabled": "disabled",
}
UNKNOWN = "unknown"

_TEXT_CHARACTERS = 4_000
_HIGHEST = 2**53
_ESTIMATED = 5  # builds
_PARAMETERS = "parameters[name,value]"
_CAUSES = "causes[userId,userName]"
_JOB = (
    "name,buildable,color,nextBuildNumber,builds[number,result,duration],"
    "property[parameterDefinitions[name,defaultParameterValue[value]]]"
)
_BUILD = (
    "number,building,builtOn,result,timestamp,duration,artifacts[relativePath],"
    f"actions[{_PARAMETERS},{_CAUSES}]"
)
_QUEUE = f"items[id,why,blocked,task[name],actions[{_PARAMETERS},{_CAUSES}]]"


@dataclass(frozen=True)
class Job:
    """A job: `parameters` maps each that it declares to its default.

    `last` is how its last build ended, `seconds` what its good builds took, 0
    where there is none.
    """

    name: str
    is_buildable: bool
    parameters: Mapping[str, str]
    next_number: int
    last: str
    is_building: bool
    seconds: float


@dataclass(frozen=True)
class Build:
    """A build; `agent` is "" for the server itself, `result` "" while it goes on."""

    number: int
    is_building: bool
    agent: str
    result: str
    seconds: float
    artifacts: frozenset[str]
    parameters: Mapping[str, str]
    users: frozenset[str]


@dataclass(frozen=True)
class Item:
    """What waits in the queue for its build: in `place` of `length`, and why."""

    id: int
    job: str
    place: int
    length: int
    why: str
    parameters: Mapping[str, str]
    users: frozenset[str]


def job(server: Server, name: str) -> Job | None:
    """Return a job, or None where the server has none of that name."""
    found = server.find(f"{job_path(name)}api/json", about_job(name), _JOB)
    return None if found is None else job_of(name, found)


def job_of(name: str, found: Mapping[str, Any]) -> Job:
    """Return the job that a server's JSON tells of."""
    last, is_building = colour(_text(found, "color"))
    return Job(
        name=name,
        is_buildable=found.get("buildable") is not False,
        parameters=dict(_iter_definitions(found)),
        next_number=_number(found, "nextBuildNumber"),
        last=last,
        is_building=is_building,
        seconds=_estimate(found),
    )


def next_number(server: Server, name: str) -> int:
    """Return the number that the next build of a job is going to have."""
    found = server.get(f"{job_path(name)}api/json", about_job(name), "nextBuildNumber")
    return _number(found, "nextBuildNumber")


def build(server: Server, name: str, number: int) -> Build | None:
    """Return a build of a job, or None where there is none of that number."""
    found = server.find(f"{job_path(name)}{number}/api/json", about_build(name, number), _BUILD)
    return None if found is None else build_of(number, found)


def build_of(number: int, found: Mapping[str, Any]) -> Build:
    """Return the build that a server's JSON tells of."""
    return Build(
        number=number,
        is_building=found.get("building") is True,
        agent=_text(found, "builtOn"),
        result=RESULTS.get(_text(found, "result"), UNKNOWN) if found.get("result") else "",
        seconds=_number(found, "duration") / 1000,
        artifacts=frozenset(_text(one, "relativePath") for one in _objects(found, "artifacts")),
        parameters=dict(_iter_parameters(found)),
        users=frozenset(_iter_users(found)),
    )


def queue(server: Server) -> list[Item]:
    """Return what waits on the whole server, in the order in which it came."""
    return queue_of(server.get("queue/api/json", "the queue", _QUEUE))


def queue_of(found: Mapping[str, Any]) -> list[Item]:
    """Return the queue that a server's JSON tells of."""
    items = sorted(_objects(found, "items"), key=lambda item: _number(item, "id"))
    return [_item(item, place, len(items)) for place, item in enumerate(items, start=1)]


def colour(text: str) -> tuple[str, bool]:
    """Return what a job's colour says of its last build, and whether the next one goes on."""
    plain = text.removesuffix("_anime")
    return COLOURS.get(plain, UNKNOWN), plain != text


def about_job(name: str) -> str:
    """Return the words for a job in an error."""
    return f"the job '{name}'"


def about_build(name: str, number: int) -> str:
    """Return the words for a build in an error."""
    return f"build {number} of the job '{name}'"


def job_url(server: Server, name: str) -> str:
    """Return the address of a job for people."""
    return f"{server.url}{job_path(name)}"


def build_url(server: Server, name: str, number: int) -> str:
    """Return the address of a build for people."""
    return f"{job_url(server, name)}{number}/"


def _item(found: Mapping[str, Any], place: int, length: int) -> Item:
    task = found.get("task")
    blocked = "an earlier build of the job goes on" if found.get("blocked") is True else ""
    return Item(
        id=_number(found, "id"),
        job=_text(task, "name") if isinstance(task, dict) else "",
        place=place,
        length=length,
        # Hudson has no words for what is blocked.
        why=_text(found, "why") or blocked,
        parameters=dict(_iter_parameters(found)),
        users=frozenset(_iter_users(found)),
    )


def _iter_definitions(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in _objects(found, "property"):
        for one in _objects(part, "parameterDefinitions"):
            default = one.get("defaultParameterValue")
            yield _text(one, "name"), _value(default) if isinstance(default, dict) else ""


def _iter_parameters(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for action in _objects(found, "actions"):
        for one in _objects(action, "parameters"):
            yield _text(one, "name"), _value(one)


def _iter_users(found: Mapping[str, Any]) -> Iterator[str]:
    for action in _objects(found, "actions"):
        for one in _objects(action, "causes"):
            yield from filter(None, (_text(one, "userId"), _text(one, "userName")))


def _estimate(found: Mapping[str, Any]) -> float:
    """Return the median of the last good builds; Hudson itself estimates none."""
    good = [
        _number(one, "duration") / 1000
        for one in _objects(found, "builds")
        if one.get("result") in ("SUCCESS", "UNSTABLE")
    ]
    return median(good[:_ESTIMATED]) if good else 0.0


def _value(found: Mapping[str, Any]) -> str:
    value = found.get("value")
    if isinstance(value, bool):
        return str(value).lower()
    return clip(str(value), _TEXT_CHARACTERS) if isinstance(value, str | int) else ""


def _objects(found: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = found.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return clip(value, _TEXT_CHARACTERS) if isinstance(value, str) else ""


def _number(found: Mapping[str, Any], key: str) -> int:
    value = found.get(key)
    return value if type(value) is int and 0 <= value < _HIGHEST else 0
