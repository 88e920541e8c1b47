# SPDX-License-Identifier: Apache-2.0
"""What a change does, as the suite `regression` of its run: cases anew, and metrics.

It is made of what lies in the run's directory alone, so it can be made again.
"""

from collections.abc import Mapping
from pathlib import Path

from osci_jobs.regression import functional, sides
from osci_jobs.regression.functional import Standing
from osci_jobs.regression.model import Finding
from osci_jobs.regression.sides import Sides
from osci_jobs.results import cases, metrics, store
from osci_jobs.results.cases import Case
from osci_jobs.run import comparing

SUITE = store.REGRESSION

# What a case of the sides is in the suite of the whole: its outcome and how its message begins.
_OUTCOMES: Mapping[str, tuple[str, str]] = {
    functional.NEW: ("failed", ""),
    functional.TRUNK: ("skipped", "It fails on trunk too."),
    functional.FLAKY: ("skipped", "It is flaky: on another group of the same code it passed."),
    functional.GONE: ("skipped", "It passed on trunk, and does not run with the change."),
    functional.PASSING: ("passed", ""),
    functional.SAME: ("passed", ""),
}


def write(run_directory: Path) -> str:
    """Write the cases of the suite and the effects, and return how it ended.

    That is failure for a case that fails anew, regression where only metrics got worse,
    else success. Safe to repeat. Raises as `sides.read` does.
    """
    found = sides.read(run_directory)
    told = [case for one in found.standings for case in _of_case(one)]
    told += comparing.of_metrics(found.compared) if found.compared else []
    cases.write(run_directory / "cases" / f"{SUITE}.jsonl", told)
    _write_effects(run_directory, found)
    if functional.newly_failing(found.standings):
        return "failure"
    return "regression" if any(one.is_failing for one in told) else "success"


def _of_case(one: Standing) -> list[Case]:
    case = one.case
    if one.standing == functional.SAME and case.outcome == "skipped":
        return []
    outcome, sentence = _OUTCOMES[one.standing]
    classname = ".".join(filter(None, (one.suite, case.classname)))
    is_failed = outcome == "failed"
    return [
        Case(
            name=case.name,
            classname=classname,
            outcome=outcome,
            seconds=case.seconds,
            message=case.message if is_failed else sentence,
            details=case.details if is_failed else "",
        )
    ]


def _write_effects(run_directory: Path, found: Sides) -> None:
    """Write by how many percent the times of each scenario of the deployment changed."""
    side = found.after or found.before
    resolved = side.record.deployment["resolved"] if side else {}
    columns = metrics.effect_columns(resolved.get("stress", ()))
    findings = found.compared.comparison.findings if found.compared else ()
    row = {
        f"{one.name.partition('.')[0]}.effect": 100 * (one.effect or 0.0)
        for one in findings
        if _is_shown(one)
    }
    metrics.write_csv(run_directory / metrics.path(metrics.EFFECTS), row, columns)


def _is_shown(one: Finding) -> bool:
    return one.name.endswith(".p50") and one.effect is not None and not one.is_difference
