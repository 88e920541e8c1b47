# SPDX-License-Identifier: Apache-2.0
"""The directory of a run: what its log and its suites left becomes its result there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osci_jobs.errors import ConfigurationError
from osci_jobs.results import (
    cases,
    diagnosis,
    files,
    harvested,
    junit,
    load,
    metrics,
    record,
    runlog,
    samples,
    usage,
)
from osci_jobs.results.cases import Case
from osci_jobs.results.harvested import HostHarvest
from osci_jobs.results.load import Measured
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import Event
from osci_jobs.results.samples import Samples

LOG = "log.jsonl"
RUN = "run.json"
# The suite of load, and the commands whose runs may have it.
LOAD = "stress"
_LOAD_COMMANDS = ("stress", "regression")
# The suites of runs of two sides, which are runs of their own: load alone, and all there is.
COMPARISON = "comparison"
REGRESSION = "regression"
_WHOLE_VERDICTS = ("success", "failure", "regression")


def run_id(now: datetime, deployment: str, token: str) -> str:
    """Return a run id like `20261123T093544Z-basic-4f2a1c`; `now` has its zone."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{deployment}-{token}"


def suite_modules(run_directory: Path) -> dict[str, str]:
    """Return the suites of the run's deployment in its order, each with its module's name.

    They are those of the deployment, whatever the run did; a log that ends before
    the run started has none. Raises as `finish` does.
    """
    start = _start(run_directory)
    found = start["deployment"]["resolved"].get("suites", ()) if start else ()
    return {suite["name"]: suite["suite"] for suite in found}


def finish(run_directory: Path, operations: Iterable[str], suite_names: Iterable[str]) -> Record:
    """Write what follows from the run log and the suites' files; safe to repeat.

    To be called once run_ended is in the log, or when a kill left none behind.
    `operations` and `suite_names` are those of the deployment, whatever this run
    did, for they give the columns. Files that appear: junit/<suite>.xml for each
    suite that was started, metrics/*.csv (docs/results.md), run.json. Raises
    ConfigurationError without a log, InfrastructureError when it is damaged.
    """
    events = list(runlog.iter_events(run_directory / LOG))
    suites = _read_suites(run_directory, record.planned_suites(events))
    seen = read_samples(run_directory, suites)
    folded = record.fold(events, suites)
    harvest = harvested.read(run_directory, tuple(host.name for host in folded.hosts))
    result = _explained(folded, harvest, events, run_directory)
    _write_junit(run_directory, _cases(events, suites, run_directory), result)
    _write_phases(run_directory, result, suite_names)
    if not {COMPARISON, REGRESSION} & set(result.suites):
        _write_api(run_directory, seen, operations)
        _write_usage(run_directory, result, harvest)
        _write_load(run_directory, result)
    text = json.dumps(result.as_dict(), indent=2, sort_keys=True)
    files.write_text(run_directory / RUN, text + "\n")
    return result


def is_regression(result: Record) -> bool:
    """Tell whether a run held a change against trunk: it, not one of its sides."""
    return result.command == REGRESSION and REGRESSION in result.suites


def began_as_regression(run_directory: Path) -> bool:
    """Tell the same of a run of which there may be no record yet; raises as `finish` does."""
    start = _start(run_directory)
    return bool(start) and start["command"] == REGRESSION and REGRESSION in start["suites"]


def look(run_directory: Path) -> tuple[Record, dict[str, list[Case]]]:
    """Return what is known of a run so far, be it under way, and its cases by suite.

    Raises as `finish` does.
    """
    events = list(runlog.iter_events(run_directory / LOG))
    suites = _read_suites(run_directory, record.planned_suites(events))
    return record.fold(events, suites), _cases(events, suites, run_directory)


def read_cases(run_directory: Path) -> dict[str, list[Case]]:
    """Return the cases of each suite of the run, as its JUnit XML has them.

    Raises as `finish` does.
    """
    events = list(runlog.iter_events(run_directory / LOG))
    suites = _read_suites(run_directory, record.planned_suites(events))
    return _cases(events, suites, run_directory)


def read_samples(run_directory: Path, suite_names: Iterable[str]) -> Samples:
    """Return the samples of these suites together; a suite without any adds none."""
    found = [samples.read(run_directory / "samples" / f"{name}.csv") for name in suite_names]
    together = tuple(sample for one in found for sample in one.samples)
    return Samples(together, sum(one.bad_rows for one in found))


def read_load(run_directory: Path, suite_names: Iterable[str]) -> tuple[Measured, ...]:
    """Return what the scenarios of these suites measured, in their order."""
    paths = [run_directory / "attachments" / name / load.FILE for name in suite_names]
    return tuple(one for path in paths for one in load.read(path))


def document(result: Record, run_directory: Path) -> dict[str, Any]:
    """Return what `--json` prints of a run: run.json, and where its files are."""
    return {**result.as_dict(), "run_directory": str(run_directory)}


def _start(run_directory: Path) -> Event:
    """Return how the run started, nothing when its log ends before."""
    events = runlog.iter_events(run_directory / LOG)
    return next((event for event in events if event["event"] == "run_started"), {})


def _explained(
    result: Record, harvest: Sequence[HostHarvest], events: Sequence[Event], run_directory: Path
) -> Record:
    findings = diagnosis.find(harvest, events, run_directory)
    explained = diagnosis.explain(replace(result, findings=findings), run_directory)
    return _as_its_side(explained, run_directory) if explained.cause else explained


def _as_its_side(result: Record, run_directory: Path) -> Record:
    """Return the record of two sides with what the one that failed found out of why.

    The phase in which it failed is called as that side's directory. A trouble of its machine
    is the whole's verdict, too.
    """
    assert result.cause
    name = result.cause.phase
    # Who wrote the log may have called the phase anything.
    records = {path.parent.name: path for path in run_directory.glob(f"*/{RUN}")}
    if name not in records:
        return result
    try:
        side = record.load(records[name])
    except ConfigurationError:
        return result
    if not side.cause or side.verdict not in (result.verdict, "infrastructure"):
        return result
    file = f"{name}/{side.cause.file}" if side.cause.file else ""
    cause = replace(side.cause, phase=name, file=file)
    return replace(result, verdict=side.verdict, exit_code=side.exit_code, cause=cause)


def _cases(
    events: Sequence[Event], suites: Mapping[str, list[Case] | None], run_directory: Path
) -> dict[str, list[Case]]:
    hosts = [event["name"] for event in events if event["event"] == "host"]
    return diagnosis.trace(record.complete(events, suites), hosts, run_directory)


def _read_suites(run_directory: Path, names: Iterable[str]) -> dict[str, list[Case] | None]:
    return {name: _read_suite(run_directory / "cases" / f"{name}.jsonl") for name in names}


def _read_suite(path: Path) -> list[Case] | None:
    try:
        return cases.read(path)
    except cases.MalformedCasesError:
        return None


def _write_junit(run_directory: Path, suites: Mapping[str, list[Case]], result: Record) -> None:
    properties = {
        "run": result.run,
        "command": result.command,
        "deployment": result.deployment["name"],
        **_source_properties(result),
        **_provenance_properties(result),
    }
    for phase in result.phases:
        if phase.name in suites and phase.outcome != "skipped":
            path = run_directory / "junit" / f"{phase.name}.xml"
            started = datetime.fromisoformat(phase.started)
            junit.write(path, phase.name, suites[phase.name], started, properties)


def _source_properties(result: Record) -> dict[str, str]:
    """Return what was tested: a property for a pinned release, several for another source."""
    found: dict[str, str] = {}
    for project, source in result.sources.items():
        if not source["text"]:
            found[f"source.{project}"] = source["ref"]
            continue
        facts = {**source, **source["details"]}
        del facts["details"]
        found |= {f"source.{project}.{name}": str(fact) for name, fact in facts.items() if fact}
    return found


def _provenance_properties(result: Record) -> dict[str, str]:
    made = dict(result.provenance)
    suites = made.pop("suites", {})
    layers = made.pop("layers", [])
    return {
        **{f"provenance.{name}": fact for name, fact in made.items() if fact},
        **({"provenance.layers": " ".join(layers)} if layers else {}),
        **{f"suite.{name}": digest for name, digest in suites.items()},
    }


def _write_phases(run_directory: Path, result: Record, suite_names: Iterable[str]) -> None:
    path = run_directory / "metrics" / "phases.csv"
    metrics.write_csv(path, _phase_seconds(result), metrics.phase_columns(suite_names))


def _write_api(run_directory: Path, seen: Samples, operations: Iterable[str]) -> None:
    path = run_directory / "metrics" / "api.csv"
    columns = metrics.api_columns(operations)
    metrics.write_csv(path, samples.medians(seen.samples, columns), columns)


def _write_usage(run_directory: Path, result: Record, harvest: Sequence[HostHarvest]) -> None:
    """Write what the services used; a deployment without services has no such files."""
    services = result.deployment["resolved"].get("services", {})
    if not services:
        return
    times = {
        "deploy": usage.windows(result, ["deploy"]),
        "suites": usage.windows(result, result.suites),
    }
    held = usage.memory(harvest, services, usage.windows(result, ["deploy", *result.suites]))
    spent = {
        f"{service}.{when}": seconds
        for when, windows in times.items()
        for service, seconds in usage.cpu(harvest, services, windows).items()
    }
    # Counts are of a group's whole life, of which a run on one that was there is a part.
    counted = metrics.counter_columns(services)
    counts = usage.counts(harvest, services, counted) if times["deploy"] else {}
    directory = run_directory / "metrics"
    metrics.write_csv(directory / "memory.csv", held, metrics.memory_columns(services))
    metrics.write_csv(directory / "cpu.csv", spent, metrics.cpu_columns(services))
    metrics.write_csv(directory / "counters.csv", counts, counted)


def _write_load(run_directory: Path, result: Record) -> None:
    """Write what scenarios measured; a run without any has no such files."""
    resolved = result.deployment["resolved"]
    if result.command not in _LOAD_COMMANDS:
        return
    found = read_load(run_directory, result.suites)
    row = {name: value for one in found for name, value in load.numbers(one)}
    columns = metrics.load_columns(resolved.get("stress", ()), resolved.get("services", {}))
    for name in metrics.LOAD:
        metrics.write_csv(run_directory / metrics.path(name), row, columns[name])


def _phase_seconds(result: Record) -> dict[str, float]:
    """Return the seconds of what ran to its end: half a phase would look like a fast one."""
    seconds = {
        phase.name: phase.seconds
        for phase in result.phases
        if phase.outcome in usage.WHOLE_OUTCOMES
    }
    if result.verdict in _WHOLE_VERDICTS:
        seconds["total"] = result.seconds
    return seconds
