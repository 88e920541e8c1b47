# SPDX-License-Identifier: Apache-2.0
"""The metrics of a run: one table that declares them, and the CSVs that hold them."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import accounts
from osci_jobs.errors import ConfigurationError
from osci_jobs.results import files


@dataclass(frozen=True)
class Metric:
    """What the numbers of some columns are; `name` is the pattern of the columns' names."""

    name: str
    unit: str
    direction: str  # lower, higher or neither is better
    kind: str  # time, counter, size, share
    file: str  # metrics/<file>.csv
    meaning: str


METRICS = (
    Metric(
        "<phase>", "seconds", "lower", "time", "phases", "How long each phase and each suite took."
    ),
    Metric(
        "<operation>",
        "seconds",
        "lower",
        "time",
        "api",
        "The median answer time of each API operation.",
    ),
    Metric(
        "<service>.peak",
        "MiB",
        "lower",
        "size",
        "memory",
        "The most memory that a service held at once.",
    ),
    Metric(
        "<service>.mean",
        "MiB",
        "lower",
        "size",
        "memory",
        "The memory that a service held on average.",
    ),
    Metric(
        "<service>.deploy",
        "seconds",
        "lower",
        "time",
        "cpu",
        "What a service computed in the deploy.",
    ),
    Metric(
        "<service>.suites",
        "seconds",
        "lower",
        "time",
        "cpu",
        "What a service computed in the suites.",
    ),
    Metric(
        "statements.<account>",
        "statements",
        "lower",
        "counter",
        "counters",
        "What an account asked of the database.",
    ),
    Metric(
        "messages.<account>",
        "messages",
        "lower",
        "counter",
        "counters",
        "What an account published on the broker.",
    ),
    Metric(
        "log.<level>",
        "lines",
        "neither",
        "counter",
        "counters",
        "What the services of OpenStack logged.",
    ),
    Metric(
        "<scenario>.p50",
        "seconds",
        "lower",
        "time",
        "latency_p50",
        "Half of the operations that went well took no longer.",
    ),
    Metric(
        "<scenario>.p95",
        "seconds",
        "lower",
        "time",
        "latency_p95",
        "95 % of the operations that went well took no longer.",
    ),
    Metric(
        "<scenario>.p99",
        "seconds",
        "lower",
        "time",
        "latency_p99",
        "99 % of the operations that went well took no longer.",
    ),
    Metric(
        "<scenario>.rate",
        "operations/s",
        "higher",
        "counter",
        "throughput",
        "How many operations of a scenario went well in a second.",
    ),
    Metric(
        "<scenario>.errors",
        "share",
        "lower",
        "share",
        "errors",
        "The share of a scenario's operations that went wrong.",
    ),
    Metric(
        "<scenario>.cpu",
        "seconds",
        "lower",
        "time",
        "cost_cpu",
        "What all services computed for one operation.",
    ),
    Metric(
        "<scenario>.statements",
        "statements",
        "lower",
        "counter",
        "cost_statements",
        "What all services asked of the database for one operation.",
    ),
    Metric(
        "<scenario>.rows",
        "rows",
        "lower",
        "counter",
        "cost_rows",
        "The rows that all services read or changed for one operation.",
    ),
    Metric(
        "<scenario>.messages",
        "messages",
        "lower",
        "counter",
        "cost_messages",
        "What all services published on the broker for one operation.",
    ),
    Metric(
        "<scenario>.calls",
        "calls",
        "lower",
        "counter",
        "cost_calls",
        "The HTTP calls that services made of each other for one operation.",
    ),
    Metric(
        "<scenario>.log",
        "lines",
        "lower",
        "counter",
        "cost_log",
        "The lines that all services logged for one operation.",
    ),
    Metric(
        "<scenario>.memory",
        "KiB",
        "lower",
        "size",
        "cost_memory",
        "The memory that all services held more after each operation.",
    ),
    Metric(
        "<scenario>.<service>.cpu",
        "seconds",
        "lower",
        "time",
        "costs",
        "What a service computed for one operation.",
    ),
    Metric(
        "<scenario>.<account>.statements",
        "statements",
        "lower",
        "counter",
        "costs",
        "What an account asked of the database for one operation.",
    ),
    Metric(
        "<scenario>.<account>.rows",
        "rows",
        "lower",
        "counter",
        "costs",
        "The rows that an account read or changed for one operation.",
    ),
    Metric(
        "<scenario>.<service>.messages",
        "messages",
        "lower",
        "counter",
        "costs",
        "What a service published on the broker for one operation.",
    ),
    Metric(
        "<scenario>.<service>.calls",
        "calls",
        "lower",
        "counter",
        "costs",
        "The HTTP calls that a service made of others for one operation.",
    ),
    Metric(
        "<scenario>.<service>.log",
        "lines",
        "lower",
        "counter",
        "costs",
        "The lines that a service logged for one operation.",
    ),
    Metric(
        "<scenario>.<service>.memory",
        "KiB",
        "lower",
        "size",
        "costs",
        "The memory that a service held more after each operation.",
    ),
    Metric(
        "<scenario>.effect",
        "%",
        "lower",
        "share",
        "effects",
        "How much longer half of the operations took than on trunk; less than 0 is faster.",
    ),
)
# The files of metrics, each with the title of its plot.
TITLES = {
    "phases": "Time of phases and suites",
    "api": "Answer times of the API",
    "memory": "Memory of the services",
    "cpu": "CPU time of the services",
    "counters": "Statements, messages and lines of log",
    "latency_p50": "Latency under load, half of the operations",
    "latency_p95": "Latency under load, 95 % of the operations",
    "latency_p99": "Latency under load, 99 % of the operations",
    "throughput": "Operations a second under load",
    "errors": "Errors under load",
    "cost_cpu": "CPU time of an operation",
    "cost_statements": "Statements of an operation",
    "cost_rows": "Rows of an operation",
    "cost_messages": "Messages of an operation",
    "cost_calls": "Calls between services of an operation",
    "cost_log": "Lines of log of an operation",
    "cost_memory": "Memory kept of an operation",
    "costs": "Costs of an operation by service",
    "effects": "How much longer operations took than on trunk",
}
# A change of less than this, in the unit of a metric, is of no interest to anybody.
FLOORS = {
    "%": 1,
    "KiB": 16,  # what CPython's allocator takes at once
    "MiB": 1,
    "calls": 0.1,
    "lines": 0.1,
    "messages": 0.1,
    "operations/s": 0.01,
    "rows": 0.1,
    "seconds": 0.001,
    "share": 0.001,
    "statements": 0.1,
}
# Those of a run that puts load on the cloud. `costs` has too many columns for a plot.
LOAD = tuple(TITLES)[5:-1]
# That of a run that holds a change against trunk.
EFFECTS = "effects"
_NOT_PLOTTED = ("costs",)
_BEFORE_SUITES = ("check", "fetch", "install", "create", "deploy")
_AFTER_SUITES = ("harvest", "delete", "total")
# What others use, and which asks nobody.
_SERVERS = ("mariadb", "memcached", "rabbitmq-server")
_FILE_BYTES = 4 << 20
PERCENTILES = ("p50", "p95", "p99")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def of_column(file: str, column: str) -> Metric | None:
    """Return the metric that a column of a file is of; None where it is of none."""
    for metric in METRICS:
        if metric.file == file and re.fullmatch(_pattern(metric.name), column):
            return metric
    return None


def of_load(column: str) -> Metric | None:
    """Return the metric that a column of a run under load is of; None where it is of none."""
    found = (of_column(file, column) for file in LOAD)
    return next((metric for metric in found if metric), None)


def names(has_services: bool, has_load: bool = False) -> tuple[str, ...]:
    """Return the files to plot for a deployment with or without services.

    A run that puts load on the cloud samples no operations of the API beside it.
    """
    if not has_services:
        return ("phases",)
    if has_load:
        return tuple(name for name in TITLES if name not in ("api", EFFECTS, *_NOT_PLOTTED))
    return tuple(name for name in TITLES if name not in (*LOAD, EFFECTS))


def path(name: str) -> str:
    """Return the path of a file of metrics below the run's directory."""
    return f"metrics/{name}.csv"


def units(name: str) -> str:
    """Return the units of a file's columns, each once."""
    return ", ".join(dict.fromkeys(metric.unit for metric in METRICS if metric.file == name))


def phase_columns(suite_names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of phases.csv for a deployment with these suites."""
    return (*_BEFORE_SUITES, *suite_names, *_AFTER_SUITES)


def api_columns(operations: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of api.csv for these API operations."""
    return tuple(operations)


def memory_columns(services: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of memory.csv for a deployment with these services."""
    return tuple(f"{service}.{value}" for service in services for value in ("peak", "mean"))


def cpu_columns(services: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of cpu.csv for a deployment with these services."""
    return tuple(f"{service}.{when}" for service in services for when in ("deploy", "suites"))


def counter_columns(services: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the columns of counters.csv; `services` maps each service to its hosts."""
    if not services:
        return ()
    users = accounts.broker(services.get("nova-compute", ()))
    return (
        *(f"statements.{user}" for user in accounts.DATABASE),
        *(f"messages.{user}" for user in users),
        *(f"log.{level}" for level in LEVELS),
    )


def load_columns(
    scenarios: Iterable[str], services: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the columns of each file of LOAD for these scenarios.

    `services` maps each service to its hosts.
    """
    names_ = tuple(scenarios)
    found = {f"latency_{one}": tuple(f"{name}.{one}" for name in names_) for one in PERCENTILES}
    found["throughput"] = tuple(f"{name}.rate" for name in names_)
    found["errors"] = tuple(f"{name}.errors" for name in names_)
    owners = _owners(services)
    for resource in owners:
        found[f"cost_{resource}"] = tuple(f"{name}.{resource}" for name in names_)
    found["costs"] = tuple(
        f"{name}.{owner}.{resource}"
        for name in names_
        for resource, of_one in owners.items()
        for owner in of_one
    )
    return found


def _owners(services: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return who can use each resource."""
    askers = tuple(name for name in services if name not in _SERVERS)
    return {
        "cpu": tuple(services),
        "statements": accounts.DATABASE,
        "rows": accounts.DATABASE,
        "messages": tuple(name for name in accounts.SERVICES if name in askers),
        "calls": askers,
        "log": tuple(services),
        "memory": tuple(services),
    }


def effect_columns(scenarios: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of effects.csv for these scenarios."""
    return tuple(f"{name}.effect" for name in scenarios)


def write_csv(path: Path, row: Mapping[str, float], columns: Iterable[str]) -> None:
    """Write `columns` and one row of numbers to `path`; safe to repeat.

    A column that `row` lacks stays empty; what `row` has beside the columns is
    left out, so that the file's shape depends on the columns alone.
    """
    names = tuple(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerow([_number(row[name]) if name in row else "" for name in names])
    files.write_text(path, text.getvalue())


def read_csv(path: Path) -> dict[str, float]:
    """Return the numbers that `write_csv` wrote, without the columns that are empty.

    Raises ConfigurationError when there is no such file, or it holds something else.
    """
    try:
        data, _ = files.read_capped(path, _FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"The metrics in '{path}' cannot be read: {error.strerror}."
        ) from error
    text = data.decode("utf-8", "backslashreplace")
    try:
        names_, values = csv.reader(io.StringIO(text))
        return {name: float(value) for name, value in zip(names_, values, strict=True) if value}
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(
            f"'{path}' is no file of metrics: found {error}, expected a header and one row."
        ) from error


def _pattern(name: str) -> str:
    """Return the expression that matches the columns that a metric's name stands for."""
    return "".join(
        ".+" if part.startswith("<") else re.escape(part) for part in re.split(r"(<\w+>)", name)
    )


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
