# SPDX-License-Identifier: Apache-2.0
"""Two sides measured by turns: scenario by scenario, one side right after the other.

What was measured far apart in time differs by what the machine did meanwhile, which no test
can tell from a change; so both sides of a pair of values are some seconds apart. Which side
is the first is drawn for each pair of each scenario. Rounds in which the cloud still warms up
are left out.
"""

import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from statistics import median

from osci_jobs.errors import InfrastructureError
from osci_jobs.regression import comparison, model
from osci_jobs.regression.model import Comparison, History, Paired
from osci_jobs.results import load, metrics
from osci_jobs.results.load import Measured
from osci_jobs.run.led import KNOWN, Known, LostSideError, Side
from osci_jobs.run.order import MOST_WARM_UP, Plan
from osci_jobs.run.pair import Pair
from osci_jobs.run.play import Say
from osci_jobs.run.watch import Look, Watch

IDLE_SECONDS = 5
WARM_UP = "warm-up"
# The first round fills caches and opens connections. One more is left out while the next is
# faster than it by this, in half of the times.
WARM_RATIO = 0.9
# When it goes on until all is clear: pairs between two looks, and the change that is to be
# seen or excluded.
LOOK_PAIRS = 3
CLEAR_CHANGE = 0.1
# What shows of a scenario, and from how many operations a round on: of fewer, 95 % are all
# but the slowest or all, and the slowest of a few says more of chance than of a change.
TIMES = {"p50": 1, "p95": 20}
# From this share of operations that fail, the others are no longer what they were before.
MANY_ERRORS = 0.01

Row = dict[str, float]


@dataclass
class Round:
    """What a round measured on each side, the first being `before`."""

    rows: tuple[Row, Row] = field(default_factory=lambda: ({}, {}))
    # Of each side and scenario, how many operations there were, and how many failed.
    operations: tuple[Counter[str], Counter[str]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    failed: tuple[Counter[str], Counter[str]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    uncounted: list[str] = field(default_factory=list)  # what costs lack, and why
    look: Look = Look(0.0, 0.0)
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What was measured: each metric's pairs, how many rounds were warm-up, and the machine.

    `looks` is how often at most the pairs were to be compared, `uncounted` what costs lack.
    """

    metrics: tuple[Paired, ...]
    warm_up: int
    looks: int
    machine: tuple[Look, ...]
    uncounted: tuple[str, ...] = ()


def measure(
    pair: Pair,
    plan: Plan,
    history: History,
    say: Say,
    keep: Callable[[Outcome], None],
) -> Outcome:
    """Measure both sides by turns; `keep` is called with what there is after each pair.

    When a side is lost, the pair is repeated with a new one.
    """
    draw = random.Random(plan.seed)
    for one in pair.sides:
        one.wait_until_ready()
    known = _share_known(pair.sides, say)

    def measured(name: str) -> Round:
        return _repeated(pair, known, plan, draw, name, say)

    def now() -> float:
        # To make a group anew takes longer than many pairs, and is no measuring.
        return time.monotonic() - pair.renewing_seconds

    looks = looks_of(plan)
    until = now() + plan.seconds
    rounds = [measured(WARM_UP)]
    warm_up = 1
    while _goes_on(plan, rounds[warm_up:], until - now() - rounds[-1].seconds, history, looks):
        rounds.append(measured(f"pair {len(rounds) - warm_up + 1}"))
        if warm_up < MOST_WARM_UP and len(rounds) == warm_up + 2 and was_cold(*rounds[-2:]):
            warm_up += 1
            say("The round before was still warming up; it is left out.")
        keep(outcome(rounds, warm_up, looks))
    return outcome(rounds, warm_up, looks)


def looks_of(plan: Plan) -> int:
    """Return how often at most the pairs are compared."""
    if not plan.is_until_clear:
        return 1
    return 1 + math.ceil((plan.most_pairs - plan.pairs) / LOOK_PAIRS)


def compare(measured: Outcome, history: History) -> Comparison:
    """Return what came of the pairs."""
    return comparison.compare(measured.metrics, True, history, measured.looks)


def _goes_on(
    plan: Plan, rounds: Sequence[Round], left_seconds: float, history: History, looks: int
) -> bool:
    done = len(rounds)
    if done < 1:
        return True
    if left_seconds < 0 or done >= plan.most_pairs:
        return False
    if done < plan.pairs:
        return True
    if not plan.is_until_clear:
        return False
    if (done - plan.pairs) % LOOK_PAIRS:
        return True
    found = compare(outcome(rounds, 0, looks), history)
    return bool(comparison.undecided(found, CLEAR_CHANGE))


def _repeated(
    pair: Pair, known: Known, plan: Plan, draw: random.Random, name: str, say: Say
) -> Round:
    """Return a round; a side that is lost in it is made anew and warmed up first."""
    names = [name]
    while True:
        try:
            found = [_round(pair.sides, plan, draw, one, say) for one in names]
        except LostSideError as error:
            say(f"{error} It is made anew, and what was measured of {name} is repeated.")
            pair.renew(error)
            pair.sides[error.number].use(known)
            names = [WARM_UP, name]
        else:
            return found[-1]


def _round(sides: Sequence[Side], plan: Plan, draw: random.Random, name: str, say: Say) -> Round:
    started = time.monotonic()
    found = Round()
    watch = Watch()
    watch.begin()
    for piece in plan.pieces:
        first = draw.randrange(2)
        for number in (first, 1 - first):
            say(f"{name}: {piece['name']}, {sides[number].name}")
            try:
                measured = sides[number].load(piece, is_kept=name != WARM_UP)
            except InfrastructureError as error:
                raise LostSideError(number, error) from error
            if measured:
                _take(found, number, measured)
            else:
                found.operations[number][piece["name"]] += 1
                found.failed[number][piece["name"]] += 1
    return replace(found, look=watch.end(), seconds=time.monotonic() - started)


def _take(found: Round, side: int, measured: Measured) -> None:
    bad = sum(measured.errors.values())
    found.operations[side][measured.name] += measured.operations
    found.failed[side][measured.name] += bad
    found.uncounted += measured.uncounted
    found.rows[side].update(
        {name: value for name, value in load.numbers(measured) if _declared(name)},
        **{f"{measured.name}.errors": float(bad)},
    )


def was_cold(before: Round, after: Round) -> bool:
    """Tell whether a side was faster in the later round, in half of its times or more."""
    for row, next_row in zip(before.rows, after.rows, strict=True):
        ratios = [
            next_row[name] / value
            for name, value in row.items()
            if name.endswith(".p50") and value > 0 and name in next_row
        ]
        if ratios and median(ratios) < WARM_RATIO:
            return True
    return False


def outcome(rounds: Sequence[Round], warm_up: int, looks: int) -> Outcome:
    """Return what the rounds after those of warming up measured."""
    kept = rounds[warm_up:]
    names = dict.fromkeys(name for one in kept for row in one.rows for name in row)
    reasons = _reasons(kept)
    declared = []
    for name in names:
        paired = _declared(name)
        assert paired
        scenario, _, rest = name.partition(".")
        if rest in TIMES and _fewest(kept, scenario) < TIMES[rest]:
            continue
        is_error = name == f"{scenario}.errors"
        declared.append(paired if is_error else replace(paired, reason=reasons.get(scenario, "")))
    before, after = ([one.rows[side] for one in kept] for side in (0, 1))
    looked = tuple(one.look for one in kept)
    uncounted = tuple(dict.fromkeys(reason for one in kept for reason in one.uncounted))
    return Outcome(model.gather(declared, before, after), warm_up, looks, looked, uncounted)


def _fewest(rounds: Sequence[Round], scenario: str) -> int:
    """Return how many operations of the scenario each round had on either side, at the least."""
    return min((one.operations[side][scenario] for one in rounds for side in (0, 1)), default=0)


def _reasons(rounds: Sequence[Round]) -> dict[str, str]:
    """Return for each scenario of which many operations failed that they did."""
    found: dict[str, str] = {}
    for side, name in ((0, "before"), (1, "after")):
        asked, failed = Counter[str](), Counter[str]()
        for one in rounds:
            asked.update(one.operations[side])
            failed.update(one.failed[side])
        for scenario, number in failed.items():
            if number > MANY_ERRORS * asked[scenario]:
                share = 100 * number / asked[scenario]
                found[scenario] = f"{share:.3g} % of its operations failed {name}"
    return found


@cache
def _declared(name: str) -> Paired | None:
    """Return what a number is; None where both sides are not compared by it."""
    scenario, _, rest = name.partition(".")
    if rest == "errors":
        return Paired(name, "operations", "lower", "counter", 0.5, family="errors")
    is_cost = "." in rest
    if not is_cost and rest not in TIMES:
        return None
    metric = metrics.of_load(name)
    if metric is None:
        return None
    family = rest.rpartition(".")[2] if is_cost else "latency"
    kind = "growth" if family == "memory" else metric.kind
    floor = metrics.FLOORS[metric.unit]
    return Paired(name, metric.unit, metric.direction, kind, floor, family=family)


def _share_known(sides: Sequence[Side], say: Say) -> Known:
    """Let what is taken off be the same for both, or its noise would be a difference."""
    say("what the idle cloud uses")
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for one in sides:
        for name, rows in one.know(IDLE_SECONDS).items():
            for service, resource, used in rows:
                sums[name, str(service), str(resource)] += float(used) / len(sides)
    known: Known = {name: [] for name in KNOWN}
    for (name, *key), used in sorted(sums.items()):
        known[name].append([*key, used])
    for one in sides:
        one.use(known)
    return known
