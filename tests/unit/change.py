# SPDX-License-Identifier: Apache-2.0
"""A run that held a change against trunk, as it lies on disk when its groups have gone."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osci_jobs.regression import comparison, document, pairs
from osci_jobs.regression.document import Document
from osci_jobs.results import cases, store
from osci_jobs.results.cases import Case
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import concluding, result

RUN = "20261126T120000Z-single-4f2a1c"
PAIRS = Path(__file__).parent.parent / "data" / "pairs"
SCENARIOS = ("flavor-list", "image-list", "keypair", "server-boot", "server-list", "token")
START = datetime(2026, 11, 26, 12, tzinfo=UTC)
NOVA = {
    "kind": "launchpad",
    "text": "lp:~bob/nova/spiffy",
    "url": "lp:~bob/nova/spiffy",
    "method": "merge",
    "proposed": "9f2c1be77d5a63ee0c4a53a5ed2bd0ac1e0aa6c1",
    "trunk_url": "https://git.example.org/nova",
    "trunk_ref": "refs/heads/master",
    "trunk": "51e6c1d0a3b1f5d3a9b7e2dd94c1aa9f6f4b7a52",
    "merged": "c7b81a1f8e2d4c6b9a0f1e2d3c4b5a6978695a4b",
    "files": 2,
    "insertions": 30,
    "deletions": 4,
}


@dataclass
class Side:
    """One side: its suites with their cases, and what went wrong in a phase of it."""

    suites: dict[str, list[Case]] = field(default_factory=dict)
    troubles: tuple[tuple[str, str, str], ...] = ()  # phase, verdict, message


@dataclass
class Change:
    """What a run found; `measured` names a file of pairs, "" for none, of `asked` to be."""

    before: Side | None = None
    after: Side | None = None
    rerun: Side | None = None
    measured: str = ""
    asked: int = 5
    uncounted: tuple[str, ...] = ()  # what costs lack
    troubles: tuple[tuple[str, str, str], ...] = ()
    source: dict | None = None
    is_killed: bool = False

    def lay(self, parent: Path) -> tuple[Path, Record]:
        """Write the run to a directory, report it, and return both."""
        directory = parent / RUN
        for name in ("before", "after", "rerun"):
            side = getattr(self, name)
            if side:
                _side(directory / name, side, name)
        if self.measured:
            _compare(directory, PAIRS / self.measured, self.asked, self.uncounted)
        with _log(directory) as log:
            _start(log, (store.REGRESSION,), "regression")
            self._fetch(log)
            _fail(log, self.troubles)
            if not self.is_killed:
                with _phase(log, store.REGRESSION) as outcome:
                    outcome[0] = concluding.write(directory)
                    log.append("suite_ended", suite=store.REGRESSION, outcome=outcome[0])
                log.append("run_ended")
        return directory, result.report(directory)

    def _fetch(self, log: RunLog) -> None:
        with _phase(log, "fetch"):
            log.append("source", project="nova", source=self.source or NOVA)


def passed(*names: str) -> list[Case]:
    return [Case(name, "servers", seconds=1.5) for name in names]


def failed(*names: str, message: str = "HTTP 500: Internal Server Error") -> list[Case]:
    return [Case(name, "servers", "failed", 0.5, message, "Traceback …") for name in names]


@contextlib.contextmanager
def _phase(log: RunLog, name: str) -> Iterator[list[str]]:
    outcome = ["success"]
    log.append("phase_started", phase=name)
    yield outcome
    log.append("phase_ended", outcome=outcome[0], duration=1.0)


def _log(directory: Path) -> RunLog:
    seconds = itertools.count()
    steps = itertools.count()
    return RunLog(
        directory / store.LOG,
        now=lambda: START + timedelta(seconds=next(seconds)),
        monotonic=lambda: float(next(steps)),
    )


def _start(log: RunLog, suites: tuple[str, ...], name: str) -> None:
    resolved = {
        "services": {"keystone": ["host1"], "nova-api": ["host1"]},
        "stress": list(SCENARIOS),
        "suites": [{"name": "smoke", "suite": "smoke"}],
    }
    log.append(
        "run_started",
        run=f"{RUN}-{name}" if name != "regression" else RUN,
        command="regression",
        arguments=["single", "--branch", "nova=lp:~bob/nova/spiffy"],
        deployment={"name": "single", "digest": "0f" * 16, "resolved": resolved},
        group="osci-4f2a1c",
        suites=list(suites),
        keep="never",
    )


def _side(directory: Path, side: Side, name: str) -> None:
    with _log(directory) as log:
        _start(log, tuple(side.suites), name)
        failing = [phase for phase, _, _ in side.troubles]
        if "deploy" not in failing:
            with _phase(log, "deploy"):
                pass
        for suite, found in side.suites.items():
            cases.write(directory / "cases" / f"{suite}.jsonl", found)
            if suite in failing:
                continue
            with _phase(log, suite) as outcome:
                outcome[0] = "failure" if any(case.is_failing for case in found) else "success"
                log.append("suite_ended", suite=suite, outcome=outcome[0])
        _fail(log, side.troubles)
        log.append("run_ended")
    result.report(directory)


def _fail(log: RunLog, troubles: tuple[tuple[str, str, str], ...]) -> None:
    for phase, verdict, message in troubles:
        with _phase(log, phase) as outcome:
            outcome[0] = verdict
            cause = {"host": "host1", "unit": "", "line": message, "file": ""}
            log.append("trouble", verdict=verdict, message=message, cause=cause)


def _compare(directory: Path, path: Path, asked: int, uncounted: tuple[str, ...]) -> None:
    measured = pairs.read(path)
    found = Document(
        comparison=comparison.compare(measured, True),
        units={one.name: one.unit for one in measured},
        plan={
            "seed": 7,
            "pairs": 5,
            "asked": asked,
            "warm_up": 1,
            "looks": 1,
            "noisy": [],
            "uncounted": uncounted,
            "is_null": False,
        },
    )
    directory.mkdir(parents=True, exist_ok=True)
    pairs.write(directory / pairs.FILE, measured)
    document.write(directory / document.FILE, found)
