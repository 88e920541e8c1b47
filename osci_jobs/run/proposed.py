# SPDX-License-Identifier: Apache-2.0
"""A change held against trunk: suites on both sides, what fails anew once more, then load.

The directory of the whole holds the answer; `before` and `after` in it are those of the
sides, each a run, and `rerun` that of what was run again.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from osci_jobs.deployment import Source
from osci_jobs.errors import InterruptionError, OsciError, SourceError
from osci_jobs.groups import Group
from osci_jobs.regression import functional, sides
from osci_jobs.regression.sides import RERUN, SIDES
from osci_jobs.results import store
from osci_jobs.results.record import Record
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import code, concluding, paired, provenance, recent, whole
from osci_jobs.run.order import Order, Proposal
from osci_jobs.run.phase import phase
from osci_jobs.run.whole import Listener
from osci_jobs.run.work import Work
from osci_jobs.sources.model import Fetched


class NothingError(OsciError):
    """What is proposed is what trunk has, so there is nothing to compare."""

    verdict = "empty"


def execute_proposal(proposal: Proposal, listener: Listener) -> tuple[Record, list[Group]]:
    """Hold a change against trunk; return the record of the whole, and the groups kept.

    As `execute`, it raises bugs only.
    """

    def work(log: RunLog, works: list[Work]) -> None:
        fetched = _fetch(proposal, log)
        try:
            _compare(_with_sources(proposal, fetched), log, listener, works)
        finally:
            with phase(log, concluding.SUITE, None) as outcome:
                outcome[0] = concluding.write(proposal.order.run_directory)
                log.append("suite_ended", suite=concluding.SUITE, outcome=outcome[0])

    return whole.execute(proposal.order, concluding.SUITE, listener, work)


def _fetch(proposal: Proposal, log: RunLog) -> list[Fetched]:
    """Fetch and merge what is proposed; raise NothingError where that is trunk."""
    order = proposal.order

    def say(text: str) -> None:
        log.append("step", text=text)

    with phase(log, "fetch", order.limits["fetch"].seconds):
        fetched = code.fetch(order, log, say)
        proposed = [one for one in fetched if one.project in proposal.projects]
        if not proposal.is_null and not any(_differs(one, order) for one in proposed):
            names = ", ".join(one.project for one in proposed)
            raise NothingError(
                f"What is proposed of {names} is what trunk has, so there is nothing to "
                "compare; '--null' compares it all the same."
            )
    return fetched


def _differs(one: Fetched, order: Order) -> bool:
    if one.kind != "release":
        return one.change is None or one.change.files > 0
    own = _own(order, one.project)
    before = own.ref if own else provenance.pins(order.projects).get(one.project)
    return one.ref != before


def _own(order: Order, project: str) -> Source | None:
    """Return what the deployment's file says of a project, None where it is as pinned."""
    return next((one for one in order.deployment.sources if one.project == project), None)


def _with_sources(proposal: Proposal, fetched: Sequence[Fetched]) -> Proposal:
    """Return the proposal with commits as the sources of its sides, for branches move."""
    asked = {source.project: source for source in proposal.order.sources}
    merged = tuple(_merged(one, asked[one.project]) for one in fetched)
    trunk = tuple(
        source
        for one, other in zip(fetched, merged, strict=True)
        if (source := _trunk(proposal, one) if one.project in proposal.projects else other)
    )
    return replace(
        proposal,
        before=replace(proposal.before, sources=trunk),
        after=replace(proposal.after, sources=merged),
        rerun=replace(proposal.rerun, sources=merged),
    )


def _merged(one: Fetched, asked: Source) -> Source:
    return asked if one.kind == "release" else code.at_commit(one, one.merged)


def _trunk(proposal: Proposal, one: Fetched) -> Source | None:
    """Return what the proposed is held against; None for the pinned release."""
    if one.kind == "release":
        return _own(proposal.order, one.project)
    # As it is, a branch is held against where it left trunk: what came later is not its.
    commit = one.base if one.method == "as-is" else one.trunk
    if not commit:
        raise SourceError(
            f"'{one.text}' has nothing in common with the trunk of {one.project}, "
            "so there is nothing to hold it against."
        )
    return code.at_commit(one, commit)


def _compare(proposal: Proposal, log: RunLog, listener: Listener, works: list[Work]) -> None:
    with contextlib.ExitStack() as stack:
        made = {}
        for name, order in zip(SIDES, (proposal.before, proposal.after), strict=True):
            if not _is_known(name, proposal, order, log):
                made[name] = stack.enter_context(whole.side(name, order, listener))
                works.append(made[name])
        _make(made, log)
        if proposal.suites:
            with phase(log, "suites", None):
                _run_suites(proposal, made)
            _run_again(proposal, log, listener, works)
        if proposal.plan:
            with phase(log, store.LOAD, proposal.order.limits["suite"].seconds):
                paired.measure(proposal.order, proposal.plan, list(made.values()), log, listener)


def _is_known(name: str, proposal: Proposal, order: Order, log: RunLog) -> bool:
    """Take what suites said of trunk a short time ago, where no load needs its group.

    What is proposed always runs: whoever asks again wants it tried again.
    """
    if name != SIDES[0] or proposal.plan:
        return False
    earlier = recent.find(order)
    if earlier is None:
        return False
    recent.take(earlier, order)
    log.append("step", text=f"What the suites say of trunk is that of the run in '{earlier}'.")
    return True


def _make(works: Mapping[str, Work], log: RunLog) -> None:
    """Make both sides; each is tried, for which one fails is what tells whose fault it is."""
    troubles: list[OsciError] = []
    for name, work in works.items():
        try:
            with phase(log, name, None), whole.told_by(name):
                work.prepare()
        except InterruptionError:
            raise
        except OsciError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]


def _run_suites(proposal: Proposal, works: Mapping[str, Work]) -> None:
    for name, work in works.items():
        with whole.told_by(name):
            work.run_suites(proposal.suites)


def _run_again(proposal: Proposal, log: RunLog, listener: Listener, works: list[Work]) -> None:
    """Run the suites in which cases fail anew once more, on a fresh group of the changed side.

    Without it a case that fails by chance would be laid to the change. When it cannot be
    done, the cases are told as they are.
    """
    found = sides.read(proposal.order.run_directory)
    names = {one.suite for one in functional.newly_failing(found.standings)}
    if not names:
        return
    suites = tuple(suite for suite in proposal.suites if suite.name in names)
    order = replace(proposal.rerun, suites=suites)
    with phase(log, RERUN, None) as outcome, whole.side(RERUN, order, listener) as work:
        works.append(work)
        try:
            work.go()
        except InterruptionError:
            raise
        except OsciError as error:
            work.note(error)
            outcome[0] = error.verdict
            log.append("step", text=f"What fails could not be run again: {error}")
