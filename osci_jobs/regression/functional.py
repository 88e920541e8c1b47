# SPDX-License-Identifier: Apache-2.0
"""The cases of two sides held against each other: what fails anew, and what no longer does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from osci_jobs.results.cases import Case

Suites = Mapping[str, Sequence[Case]]

# How a case stands after the change.
NEW, PASSING, TRUNK, FLAKY = "newly failing", "newly passing", "fails on trunk too", "flaky"
GONE, SAME = "gone", "same"


@dataclass(frozen=True)
class Standing:
    """How one case stands: `case` is that of the changed side, where it has one.

    `is_rerun` tells whether a case that fails anew was run again on a fresh group.
    """

    suite: str
    case: Case
    standing: str  # newly failing, newly passing, fails on trunk too, flaky, gone, same
    is_rerun: bool = False

    @property
    def title(self) -> str:
        """The case's name with its suite, class and all."""
        return f"{self.suite}: {self.case.title}"


def compare(before: Suites, after: Suites, rerun: Suites | None = None) -> tuple[Standing, ...]:
    """Return how each case stands, in the order of the changed side, then what is gone.

    `rerun` has the suites that ran on a fresh group of the changed side, None where none
    did. What fails on one group and passes on another of the same code is flaky. A case
    that trunk skipped or did not have, and that fails, fails anew; one that passed on trunk
    and is skipped or missing is gone.
    """
    found: list[Standing] = []
    for suite in dict.fromkeys((*after, *before)):
        olds = _by_title(before.get(suite, ()))
        news = _by_title(after.get(suite, ()))
        again = None if rerun is None or suite not in rerun else _by_title(rerun[suite])
        found += (_stand(suite, new, olds.get(key), again) for key, new in news.items())
        found += _iter_gone(suite, olds, news)
    return tuple(found)


def newly_failing(found: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the cases that fail anew."""
    return tuple(one for one in found if one.standing == NEW)


def _by_title(cases: Sequence[Case]) -> dict[tuple[str, int], Case]:
    """Return the cases by title; of a title that is there twice, the n-th stands for the n-th."""
    found: dict[tuple[str, int], Case] = {}
    seen: dict[str, int] = {}
    for case in cases:
        number = seen.get(case.title, 0)
        seen[case.title] = number + 1
        found[case.title, number] = case
    return found


def _stand(
    suite: str, new: Case, old: Case | None, again: Mapping[tuple[str, int], Case] | None
) -> Standing:
    failed = old is not None and old.is_failing
    if not new.is_failing:
        is_mended = failed and new.outcome == "passed"
        is_gone = old is not None and old.outcome == "passed" and new.outcome == "skipped"
        return Standing(suite, new, PASSING if is_mended else GONE if is_gone else SAME)
    if failed:
        return Standing(suite, new, TRUNK)
    if again is None:
        return Standing(suite, new, NEW)
    repeated = [case for (title, _), case in again.items() if title == new.title]
    is_flaky = any(case.outcome == "passed" for case in repeated)
    return Standing(suite, new, FLAKY if is_flaky else NEW, is_rerun=bool(repeated))


def _iter_gone(
    suite: str,
    olds: Mapping[tuple[str, int], Case],
    news: Mapping[tuple[str, int], Case],
) -> Iterator[Standing]:
    for key, old in olds.items():
        if key not in news and old.outcome == "passed":
            yield Standing(suite, old, GONE)
