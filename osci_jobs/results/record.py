# SPDX-License-Identifier: Apache-2.0
"""The record of a run, folded from its run log and its suites' cases: what run.json holds."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import cases as suite_cases
from osci_jobs.results import files
from osci_jobs.results import verdict as verdicts
from osci_jobs.results.cases import Case
from osci_jobs.results.escape import clip
from osci_jobs.results.runlog import Event

FORMAT = 3
FORMATS = (2, 3)  # the last two that this osci reads
CAUSE_CHARACTERS = 4_000
FILE_BYTES = 64 << 20
_HIGHEST = 1e12  # of any number in a record
# How a suite says that it came to its end; any other outcome says that it died.
_ENDS = ("success", "failure", "regression", "empty", "skipped")

# What is known of a source of which nothing is known; details are texts by name.
NO_SOURCE: Mapping[str, Any] = {
    **dict.fromkeys(("kind", "text", "url", "ref", "method", "version"), ""),
    **dict.fromkeys(("proposed", "trunk_url", "trunk_ref", "trunk", "base", "merged", "tree"), ""),
    **dict.fromkeys(("files", "insertions", "deletions"), 0),
    "is_dirty": False,
    "details": {},
}

Suites = Mapping[str, list[Case] | None]


@dataclass(frozen=True)
class Phase:
    """One step of the run; a phase that never ended lasts until the log's last event."""

    name: str
    started: str  # UTC, ISO 8601
    seconds: float
    outcome: str  # success, failure, skipped, or a verdict


@dataclass(frozen=True)
class Host:
    """A machine of the run and the versions of the software that was seen on it."""

    name: str
    address: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Suite:
    """The counts of one suite; `outcome` is skipped when it was never started."""

    cases: int
    passed: int
    failed: int
    errors: int
    skipped: int
    seconds: float
    outcome: str


@dataclass(frozen=True)
class Cause:
    """Where a trouble was seen, and what it says; "" for what is not known.

    `context` are the lines of `file` up to and around `line`.
    """

    phase: str
    host: str
    unit: str
    line: str
    file: str
    message: str
    context: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trouble(Cause):
    """A trouble besides the cause, with the verdict it would have given alone."""

    verdict: str


@dataclass(frozen=True)
class Record:
    """All that run.json says; `cause` is None when nothing went wrong.

    `later` are the troubles after the first, `findings` what was wrong with
    the hosts at harvest. `sources` has what is known of the code of each project, by
    name (docs/results.md), `provenance` what else the run was made from.
    """

    run: str
    command: str
    arguments: tuple[str, ...]
    started: str
    seconds: float
    deployment: Mapping[str, Any]
    group: str
    sources: Mapping[str, Any]
    phases: tuple[Phase, ...]
    hosts: tuple[Host, ...]
    suites: Mapping[str, Suite]
    verdict: str
    exit_code: int
    cause: Cause | None
    later: tuple[Trouble, ...]
    findings: tuple[Trouble, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of run.json, of plain JSON types."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}


@dataclass
class _Story:
    """The events of one log, sorted by kind."""

    events: list[Event]
    start: Event = field(default_factory=dict)
    phases: dict[str, Event] = field(default_factory=dict)
    phase_ends: dict[str, Event] = field(default_factory=dict)
    suite_ends: dict[str, Event] = field(default_factory=dict)
    hosts: dict[str, list[Event]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    troubles: list[Event] = field(default_factory=list)
    has_ended: bool = False

    @property
    def is_killed(self) -> bool:
        """Whether the log stops without a word."""
        return not self.has_ended and not self.troubles


def planned_suites(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the names of the suites that the run set out to run."""
    return _planned(_story(events))


def complete(events: Iterable[Event], suites: Suites) -> dict[str, list[Case]]:
    """Return the cases of each planned suite; one that died gets a case that says why.

    That case is in error and bears the suite's name. A suite that was never
    started has no cases.
    """
    story = _story(events)
    return {name: _complete(story, name, suites.get(name)) for name in _planned(story)}


def fold(events: Iterable[Event], suites: Suites) -> Record:
    """Return the record of the run that `events` tell of; `suites` has each suite's cases.

    None stands for a suite that left nothing readable. The first trouble gives
    the verdict and its cause. Without one, a log that just ends was killed and is
    interrupted; else cases that failed make a failure, no case that ran makes it
    empty, and the rest is success.
    """
    story = _story(events)
    completed = {name: _complete(story, name, suites.get(name)) for name in _planned(story)}
    verdict, cause, signal_number = _judge(story, suites, completed)
    first = story.events[0] if story.events else {}
    return Record(
        run=story.start.get("run", ""),
        command=story.start.get("command", ""),
        arguments=tuple(story.start.get("arguments", ())),
        started=first.get("at", ""),
        seconds=_last_seconds(story),
        deployment=_deployment(story),
        group=story.start.get("group", ""),
        sources=story.sources,
        phases=tuple(_phase(story, name) for name in story.phases),
        hosts=tuple(_host(name, seen) for name, seen in story.hosts.items()),
        suites={name: _suite(story, name, found) for name, found in completed.items()},
        verdict=verdict,
        exit_code=verdicts.exit_code(verdict, signal_number),
        cause=cause,
        later=tuple(_later(event) for event in story.troubles[1:]),
        provenance=story.provenance,
    )


def load(path: Path) -> Record:
    """Read the record in the run.json at `path`; it may be of the last two formats.

    Raises ConfigurationError when it cannot be read.
    """
    try:
        content, is_cut = files.read_capped(path, FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(f"The record '{path}' cannot be read: {error}.") from error
    return parse(content if not is_cut else b"", str(path))


def parse(content: bytes, place: str) -> Record:
    """Return the record that a run.json holds; `place` says in errors where it is.

    Raises ConfigurationError when it is none of the last two formats.
    """
    try:
        run = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"The record '{place}' cannot be read: {error}.") from error
    if not isinstance(run, dict) or run.get("format") not in FORMATS:
        raise ConfigurationError(
            f"The record '{place}' is of none of the formats {', '.join(map(str, FORMATS))}."
        )
    try:
        result = _from_dict(run)
        _check_types(result)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"The record '{place}' is malformed: {error}.") from error
    return result


def _story(events: Iterable[Event]) -> _Story:
    story = _Story(list(events))
    for event in story.events:
        note = _NOTES.get(event["event"])
        if note:
            note(story, event)
    return story


def _note_start(story: _Story, event: Event) -> None:
    story.start = event


def _note_phase(story: _Story, event: Event) -> None:
    story.phases[event["phase"]] = event


def _note_phase_end(story: _Story, event: Event) -> None:
    story.phase_ends[event["phase"]] = event


def _note_suite_end(story: _Story, event: Event) -> None:
    story.suite_ends[event["suite"]] = event


def _note_pinned(story: _Story, event: Event) -> None:
    for project, version in event["versions"].items():
        story.sources[project] = {**NO_SOURCE, "kind": "release", "ref": version}


def _note_source(story: _Story, event: Event) -> None:
    known = {name: fact for name, fact in event["source"].items() if name in NO_SOURCE}
    story.sources[event["project"]] = {**NO_SOURCE, **known}


def _note_provenance(story: _Story, event: Event) -> None:
    story.provenance = event["provenance"]


def _note_host(story: _Story, event: Event) -> None:
    story.hosts.setdefault(event["name"], []).append(event)


def _note_trouble(story: _Story, event: Event) -> None:
    story.troubles.append(event)


def _note_end(story: _Story, _event: Event) -> None:
    story.has_ended = True


_NOTES: Mapping[str, Callable[[_Story, Event], None]] = {
    "run_started": _note_start,
    "phase_started": _note_phase,
    "phase_ended": _note_phase_end,
    "suite_ended": _note_suite_end,
    "pinned": _note_pinned,
    "source": _note_source,
    "provenance": _note_provenance,
    "host": _note_host,
    "trouble": _note_trouble,
    "run_ended": _note_end,
}


def _planned(story: _Story) -> tuple[str, ...]:
    return tuple(story.start.get("suites", ()))


def _is_started(story: _Story, phase: str) -> bool:
    end = story.phase_ends.get(phase, {})
    return phase in story.phases and end.get("outcome") != "skipped"


def _last_seconds(story: _Story) -> float:
    return float(story.events[-1]["seconds"]) if story.events else 0.0


def _deployment(story: _Story) -> dict[str, Any]:
    deployment = story.start.get("deployment", {"name": "", "digest": "", "resolved": {}})
    return {key: deployment[key] for key in ("name", "digest", "resolved")}


def _complete(story: _Story, name: str, found: list[Case] | None) -> list[Case]:
    reason = _death(story, name, found)
    if not reason:
        return list(found or ())
    death = suite_cases.clean(Case(name, outcome="error", message=reason))
    return [*(found or ())[: suite_cases.CASES - 1], death]


def _death(story: _Story, name: str, found: list[Case] | None) -> str:
    """Return why the suite did not come to its end, "" when it did or was never started."""
    has_ended = story.suite_ends.get(name, {}).get("outcome") in _ENDS
    if not _is_started(story, name) or (has_ended and found is not None):
        return ""
    trouble = _trouble_of(story, name)
    if trouble:
        return f"The suite '{name}' did not come to its end. {trouble['message']}"
    if has_ended:
        return f"The suite '{name}' left no cases that can be read."
    return f"The suite '{name}' did not come to its end: the run was stopped while it ran."


def _trouble_of(story: _Story, phase: str) -> Event | None:
    return next((event for event in story.troubles if event["phase"] == phase), None)


def _judge(
    story: _Story, suites: Suites, completed: Mapping[str, list[Case]]
) -> tuple[str, Cause | None, int | None]:
    """Return verdict, cause, and the number of the signal that stopped the run."""
    if story.troubles:
        first = story.troubles[0]
        return first["verdict"], _cause(first), first.get("signal_number")
    if story.is_killed:
        return "interrupted", _killed(story), None
    ran = sum(suite_cases.count(suites.get(name) or ()).ran for name in completed)
    if completed and not ran:
        return "empty", _empty(story), None
    for name, found in completed.items():
        for case in found:
            if case.is_failing:
                return _verdict_of_failing(story, name), _failed(name, case), None
    return "success", None, None


def _verdict_of_failing(story: _Story, name: str) -> str:
    """Return what it means that cases of a suite failed: those of a comparison are of metrics."""
    outcome = story.suite_ends.get(name, {}).get("outcome")
    return "regression" if outcome == "regression" else "failure"


def _cause(trouble: Event) -> Cause:
    places = ("host", "unit", "line", "file")
    known: dict[str, Any] = {name: trouble["cause"].get(name) or "" for name in places}
    known["line"] = clip(known["line"], CAUSE_CHARACTERS)
    message = clip(trouble["message"], CAUSE_CHARACTERS)
    return Cause(phase=trouble["phase"], **known, message=message)


def _later(trouble: Event) -> Trouble:
    return Trouble(**asdict(_cause(trouble)), verdict=trouble["verdict"])


def _killed(story: _Story) -> Cause:
    phase = next(reversed(story.phases), "")
    if phase in story.phase_ends:
        place = f"after the phase '{phase}'"
    elif phase:
        place = f"in the phase '{phase}'"
    else:
        place = "before the first phase"
    message = f"The run log ends {place}: osci was killed, or its machine went down."
    return Cause(phase, host="", unit="", line="", file="log.jsonl", message=message)


def _empty(story: _Story) -> Cause:
    names = ", ".join(f"'{name}'" for name in _planned(story))
    message = f"No case ran, though these suites were to run: {names}."
    return Cause(phase="", host="", unit="", line="", file="", message=message)


def _failed(suite: str, case: Case) -> Cause:
    lines = case.message.splitlines()
    return Cause(
        phase=suite,
        host="",
        unit=case.title,
        line=lines[0] if lines else "",
        file=f"junit/{suite}.xml",
        message=f"The case '{case.title}' of the suite '{suite}' ended as '{case.outcome}'.",
    )


def _phase(story: _Story, name: str) -> Phase:
    start = story.phases[name]
    end = story.phase_ends.get(name)
    if end:
        return Phase(name, start["at"], end["duration"], end["outcome"])
    trouble = _trouble_of(story, name)
    seconds = round(_last_seconds(story) - start["seconds"], 3)
    return Phase(name, start["at"], seconds, trouble["verdict"] if trouble else "interrupted")


def _host(name: str, seen: list[Event]) -> Host:
    versions: dict[str, str] = {}
    address = ""
    for event in seen:
        versions.update(event["versions"])
        address = event["address"] or address
    return Host(name, address, versions)


def _suite(story: _Story, name: str, completed: list[Case]) -> Suite:
    counts = suite_cases.count(completed)
    return Suite(**asdict(counts), outcome=_suite_outcome(story, name, counts))


def _suite_outcome(story: _Story, name: str, counts: suite_cases.Counts) -> str:
    trouble = _trouble_of(story, name)
    if not _is_started(story, name):
        return "skipped"
    if trouble:
        return str(trouble["verdict"])
    if name not in story.suite_ends:
        return "interrupted"
    if counts.failed or counts.errors:
        return _verdict_of_failing(story, name)
    return str(story.suite_ends[name]["outcome"]) if counts.ran else "empty"


def _from_dict(run: Mapping[str, Any]) -> Record:
    fields = {name: value for name, value in run.items() if name != "format"}
    return Record(
        **{
            **fields,
            "arguments": tuple(run["arguments"]),
            "phases": tuple(Phase(**phase) for phase in run["phases"]),
            "hosts": tuple(Host(**host) for host in run["hosts"]),
            "suites": {name: Suite(**suite) for name, suite in run["suites"].items()},
            "cause": _place(Cause, run["cause"]) if run["cause"] else None,
            "later": tuple(_place(Trouble, trouble) for trouble in run["later"]),
            "findings": tuple(_place(Trouble, found) for found in run.get("findings", ())),
        }
    )


def _place(kind: Any, fields: Mapping[str, Any]) -> Any:
    return kind(**{**fields, "context": tuple(fields.get("context", ()))})


def _check_types(result: Record) -> None:
    """Raise TypeError for a plain value that is not of the type that its class declares."""
    parts: list[Any] = [result, *result.phases, *result.hosts, *result.suites.values()]
    parts += [result.cause] if result.cause else []
    for part in (*parts, *result.later, *result.findings):
        for declared in fields_of(part):
            _check_type(declared.name, getattr(part, declared.name), declared.type)
    _check_type("deployment.name", result.deployment.get("name"), str)


def _check_type(name: str, value: Any, kind: Any) -> None:
    if kind is str and not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    if kind == tuple[str, ...] and not all(isinstance(one, str) for one in value):
        raise TypeError(f"{name} is no list of texts")
    if kind in (int, float) and (type(value) not in (int, float) or not 0 <= value < _HIGHEST):
        raise TypeError(f"{name} is no number that can be")
