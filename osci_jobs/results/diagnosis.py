# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, by what the hosts left: a pure function of the run's directory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from osci_jobs.results import journal
from osci_jobs.results import verdict as verdicts
from osci_jobs.results.cases import Case, clean
from osci_jobs.results.harvested import HostHarvest, State, Unit
from osci_jobs.results.record import Cause, Record, Trouble
from osci_jobs.results.runlog import Event

# The harvest itself takes some of it.
CLOCK_SECONDS = 60
_FULL_SHARE = 0.01
_MIB = 1 << 20
_PHASE = "harvest"
# A unit that was started again so often does not run, even if it was up when it was looked at.
_LOOP = 3
# Verdicts that a trouble of the machines explains better.
_EXPLAINABLE = ("deploy", "failure", "timeout")


def find(
    harvest: Sequence[HostHarvest], events: Iterable[Event], run_directory: Path
) -> tuple[Trouble, ...]:
    """Return what was wrong with the hosts and their units, the most telling first.

    A clock that is off and a full disk are the machine's; a unit that does not
    run, or had to be started again, is the deployment's. Of several units the
    one that failed first comes first.
    """
    seen_at = {
        event["name"]: datetime.fromisoformat(event["at"])
        for event in events
        if event["event"] == "host"
    }
    machines = [trouble for host in harvest for trouble in _machine_troubles(host, seen_at)]
    units = [unit for host in harvest for unit in host.units if _is_troubled(unit)]
    units.sort(key=lambda unit: _rank(unit, run_directory))
    return (*machines, *(_unit_trouble(unit, run_directory) for unit in units))


def explain(record: Record, run_directory: Path) -> Record:
    """Return the record with the cause that its findings and the logs give, in its context."""
    record = _blame_machine(record)
    if record.cause and record.verdict in ("deploy", "timeout"):
        record = replace(record, cause=_blame_unit(record.cause, record.findings, run_directory))
    if record.cause:
        record = replace(record, cause=_with_context(record.cause, record, run_directory))
    return record


def trace(
    suites: Mapping[str, list[Case]], hosts: Sequence[str], run_directory: Path
) -> dict[str, list[Case]]:
    """Return the cases, those that fail with what the services logged of their requests."""
    wanted = {
        request
        for cases in suites.values()
        for case in cases
        if case.is_failing
        for request in journal.requests(case.message)
    }
    logged = journal.request_passages(run_directory, hosts, sorted(wanted))
    return {name: [_traced(case, logged) for case in cases] for name, cases in suites.items()}


def _machine_troubles(host: HostHarvest, seen_at: Mapping[str, datetime]) -> list[Trouble]:
    if host.state is None:
        return []
    found = (_clock(host.state, seen_at.get(host.name)), _disk(host.state))
    return [
        _trouble(f"The {what} of '{host.name}' {how}.", "infrastructure", host.name)
        for what, how in filter(None, found)
    ]


def _clock(state: State, seen_at: datetime | None) -> tuple[str, str] | None:
    seconds = (state.at - seen_at).total_seconds() if seen_at else 0
    if abs(seconds) <= CLOCK_SECONDS:
        return None
    way = "ahead of" if seconds > 0 else "behind"
    return "clock", f"is {abs(seconds) / 60:.0f} min {way} this machine's"


def _disk(state: State) -> tuple[str, str] | None:
    if state.disk_free_bytes > state.disk_bytes * _FULL_SHARE:
        return None
    free, whole = state.disk_free_bytes / _MIB, state.disk_bytes / _MIB
    return "disk", f"is full: {free:.1f} MiB of {whole:.0f} MiB are free"


def _is_troubled(unit: Unit) -> bool:
    return not _runs(unit) or unit.restarts > 0


def _runs(unit: Unit) -> bool:
    """Tell whether the unit runs, or still waits for the first time for what it needs."""
    is_waiting = unit.active == "activating" and not unit.restarts
    return is_waiting or (unit.active == "active" and unit.restarts < _LOOP)


def _rank(unit: Unit, run_directory: Path) -> tuple[bool, bool, str]:
    failed_at = journal.first_failure(run_directory, unit.host, unit.name)
    return _runs(unit), not failed_at, failed_at


def _unit_trouble(unit: Unit, run_directory: Path) -> Trouble:
    passage = journal.failing_passage(run_directory, unit.host, unit.name)
    message = f"'{unit.name}' on '{unit.host}' {_state(unit)}."
    trouble = _trouble(message, "success" if _runs(unit) else "deploy", unit.host, unit.name)
    if passage is None:
        return replace(trouble, file=journal.unit_file(unit.host, unit.name))
    if journal.NO_SPACE.search(passage.line):
        # A file that found no room is gone afterwards, and then the disk looks well.
        message = f"The disk of '{unit.host}' is full: {message}"
        trouble = replace(trouble, verdict="infrastructure", message=message)
    return replace(trouble, **asdict(passage))


def _state(unit: Unit) -> str:
    if _runs(unit):
        return f"had ended; systemd started it again {_times(unit.restarts)}"
    if unit.restarts:
        return f"keeps ending and was started again {_times(unit.restarts)}"
    if unit.result == "signal":
        return f"was ended by signal {unit.exit_status}"
    if unit.started_at is None:
        return "was never started"
    if unit.result == "success":
        return "was stopped"
    return f"does not run: {unit.result} {unit.exit_status}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _trouble(message: str, verdict: str, host: str, unit: str = "") -> Trouble:
    return Trouble(
        phase=_PHASE, host=host, unit=unit, line="", file="", message=message, verdict=verdict
    )


def _blame_machine(record: Record) -> Record:
    """Let no trouble of a machine be laid to the code under test."""
    machines = [
        trouble
        for trouble in (*record.findings, *record.later)
        if trouble.verdict == "infrastructure" and trouble.phase == _PHASE and trouble.host
    ]
    if not machines or not record.cause or record.verdict not in _EXPLAINABLE:
        return record
    first = machines[0]
    was = Trouble(**_fields(record.cause), verdict=record.verdict)
    return replace(
        record,
        verdict="infrastructure",
        exit_code=verdicts.exit_code("infrastructure"),
        cause=Cause(**_fields(first)),
        later=(was, *(trouble for trouble in record.later if trouble is not first)),
        findings=tuple(trouble for trouble in record.findings if trouble is not first),
    )


def _blame_unit(cause: Cause, findings: Sequence[Trouble], run_directory: Path) -> Cause:
    """Return the cause with the unit that failed first, else with what its own unit says."""
    failed = next((found for found in findings if found.verdict == "deploy"), None)
    if failed:
        return replace(
            cause,
            host=failed.host,
            unit=failed.unit,
            line=failed.line or cause.line,
            file=failed.file,
            context=failed.context,
            message=f"{failed.message} {cause.message}",
        )
    passage = journal.failing_passage(run_directory, cause.host, cause.unit)
    return replace(cause, **asdict(passage)) if passage else cause


def _with_context(cause: Cause, record: Record, run_directory: Path) -> Cause:
    if cause.context:
        return cause
    for request in reversed(journal.requests(cause.line)):
        hosts = [host.name for host in record.hosts]
        lines = journal.request_passages(run_directory, hosts, [request])[request]
        if lines:
            context = tuple(line for _, line in lines)
            return replace(cause, file=_most_telling(lines), context=context)
    if not cause.file.startswith("logs/"):
        return cause
    context = journal.place(run_directory, cause.file, cause.line)
    return replace(cause, context=context, line=cause.line or "".join(context[-1:]))


def _most_telling(lines: list[tuple[str, str]]) -> str:
    errors = [file for file, line in lines if " ERROR " in line or " CRITICAL " in line]
    return (errors or [file for file, _ in lines])[-1]


def _traced(case: Case, logged: Mapping[str, list[tuple[str, str]]]) -> Case:
    if not case.is_failing:
        return case
    parts = [case.details.rstrip("\n")] if case.details else []
    for request in journal.requests(case.message):
        if lines := logged.get(request):
            listed = "\n".join(f"{file}: {line}" for file, line in lines)
            parts.append(f"What the services logged of {request}:\n{listed}")
    return clean(replace(case, details="\n\n".join(parts)))


def _fields(cause: Cause) -> dict[str, Any]:
    return {field.name: getattr(cause, field.name) for field in fields(Cause)}
