# SPDX-License-Identifier: Apache-2.0
"""How long a run may take, by the records of earlier ones."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from statistics import median

from osci_jobs.results.record import Record

RUNS = 5  # the last ones that went well
_SEEN = 50  # before it is given up to find them
# Whether they come depends on how a run goes, so they do not tell kinds of runs apart.
_AT_THE_END = {"harvest", "delete"}


@dataclass(frozen=True)
class Estimate:
    """Medians: of the `seconds` of `runs` like the one to come, and of each phase.

    `runs` is 0 and `phases` lacks a phase where nothing is known.
    """

    runs: int = 0
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)


def estimate(records: Iterable[Record], phases: Set[str]) -> Estimate:
    """Return the estimate for a run that will go through `phases`, besides those of its end.

    `records` are of runs of the same deployment, the newest first; no more of
    them are taken than it needs. Every successful run tells of its phases, only
    one that went through the same phases tells of the whole.
    """
    recent = list(islice((one for one in islice(records, _SEEN) if one.verdict == "success"), RUNS))
    alike = [one.seconds for one in recent if _phases(one) - _AT_THE_END == phases]
    seconds: dict[str, list[float]] = {}
    for phase in (phase for one in recent for phase in one.phases):
        seconds.setdefault(phase.name, []).append(phase.seconds)
    return Estimate(
        runs=len(alike),
        seconds=median(alike) if alike else 0.0,
        phases={name: median(found) for name, found in seconds.items()},
    )


def _phases(record: Record) -> set[str]:
    return {phase.name for phase in record.phases}
