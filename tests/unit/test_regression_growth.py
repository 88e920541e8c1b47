# SPDX-License-Identifier: Apache-2.0
"""Metrics that may be zero or less, such as memory that is kept: differences, not ratios."""

import random
from dataclasses import replace

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.regression import comparison, document, history
from osci_jobs.regression.comparison import compare
from osci_jobs.regression.document import Document
from osci_jobs.regression.model import History, Paired
from osci_jobs.results import metrics


def growth(name: str, change: float = 0.0, pairs: int = 5, seed: int = 1) -> Paired:
    """Return what a service keeps of each operation: some KiB more or less than nothing."""
    chance = random.Random(f"{name}{seed}")
    before = tuple(chance.gauss(0, 10) for _ in range(pairs))
    after = tuple(change + chance.gauss(0, 10) for _ in range(pairs))
    return Paired(name, "KiB", "lower", "growth", 4.0, before, after)


def many(count: int = 30) -> list[Paired]:
    return [growth(f"scenario.service-{number}.memory") for number in range(count)]


def test_a_leak_is_found_with_an_interval_in_its_unit():
    found = compare([growth("list.nova-api.memory", 200.0), *many()], True)
    leak, *rest = found.findings
    assert (leak.answer, leak.is_difference) == ("worse", True)
    assert leak.low < 200 < leak.high
    assert leak.high - leak.low < 60
    assert not any(one.is_changed for one in rest)
    assert all(one.smallest and one.smallest >= 4 for one in rest)


def test_a_leak_that_was_mended_is_better():
    found = compare([growth("list.nova-api.memory", -200.0), *many()], True)
    assert found.findings[0].answer == "better"


def test_a_heap_that_has_room_elsewhere_is_no_leak():
    """As measured of server list with a branch that removes a sleep of 60 ms."""
    before, after = (16.5, 9.5, 7.5, 22.5, 9.0), (42.0, 17.0, 24.5, 40.5, 23.5)
    floor = metrics.FLOORS["KiB"]
    heap = Paired("list.nova-api.memory", "KiB", "lower", "growth", floor, before, after)
    (finding,) = compare([heap], True).findings
    assert finding.p < 0.02  # more than chance
    assert not finding.is_changed
    assert finding.smallest > finding.effect


def test_a_small_leak_is_found_where_little_is_kept_anyway():
    little, leak = (3.0, 2.5, 4.0, 2.0, 3.5), (24.0, 25.5, 26.0, 23.5, 25.0)
    leaking = Paired("flavor", "KiB", "lower", "growth", metrics.FLOORS["KiB"], little, leak)
    assert compare([leaking], True).findings[0].answer == "worse"


def test_what_is_below_its_floor_on_both_sides_is_not_tested():
    quiet = replace(growth("quiet"), before=(1.0, -2.0, 3.0), after=(3.5, 3.6, 3.7))
    (finding,) = compare([quiet], True).findings
    assert (finding.p, finding.is_changed) == (None, False)
    assert finding.reason == "it is below what anybody cares about on both sides"


def test_few_differences_are_judged_by_themselves_and_not_as_ratios():
    times = [
        Paired(f"t{n}", "seconds", "lower", "time", 0.001, (1.0, 1.1, 1.0, 0.9, 1.0),
               (1.0, 1.0, 1.1, 1.0, 0.9))
        for n in range(20)
    ]  # fmt: skip
    found = compare([growth("list.nova-api.memory", 300.0), *times], True)
    assert (found.findings[0].how, found.findings[0].answer) == ("paired t", "worse")


def test_history_tells_how_growth_varies():
    earlier = [growth(f"scenario.service-{n}.memory", pairs=30, seed=2) for n in range(30)]
    learnt = history.fold(History(), earlier)
    leak = growth("scenario.service-0.memory", 200.0, pairs=3)
    rest = [growth(f"scenario.service-{n}.memory", pairs=3) for n in range(1, 30)]
    found = compare([leak, *rest], True, learnt)
    assert (found.findings[0].how, found.findings[0].answer) == ("history", "worse")
    assert sum(one.is_changed for one in found.findings) == 1


def test_a_comparison_survives_the_way_through_its_file(tmp_path):
    paired = [growth("list.nova-api.memory", 200.0), *many()]
    found = Document(compare(paired, True), {one.name: one.unit for one in paired}, {"seed": 7})
    document.write(tmp_path / document.FILE, found)
    assert document.read(tmp_path / document.FILE) == found


def test_no_comparison_is_none(tmp_path):
    assert document.read(tmp_path / document.FILE) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "findings": [{}]}', "[" * 9000,
     '{"format": 1, "findings": 3, "tested": 1, "together": null, "is_indicative": 0}'],
)  # fmt: skip
def test_what_is_no_comparison_is_refused(tmp_path, text):
    (tmp_path / document.FILE).write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        document.read(tmp_path / document.FILE)


def test_undecided_are_not_those_in_another_unit():
    """A smallest change in KiB is no share."""
    found = compare(many(), True)
    assert comparison.undecided(found, 0.1) == ()
