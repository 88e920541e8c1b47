# SPDX-License-Identifier: Apache-2.0
"""Pairs that were measured on real clouds (`tests/integration/test_pairs.py`), compared again.

`effects*` is a branch that sleeps in a list of servers, asks the database some times more for
a boot, keeps memory of each list of flavors, issues tokens for less CPU time and fails to import
keys. `null-*` and `comment-*` are of one code on both sides, or of one that does the same.
"""

from pathlib import Path

import pytest

from osci_jobs.regression import pairs
from osci_jobs.regression.comparison import compare

DATA = Path(__file__).parent.parent / "data" / "pairs"
# How many statements more a boot takes.
CHANGED = {"effects.csv.gz": 16, "effects-2.csv.gz": 11}
QUIET = sorted(path.name for path in DATA.glob("*.csv.gz") if path.name not in CHANGED)
EFFECTS = {
    "server-list.p50": "worse",
    "server-boot.nova-scheduler.statements": "worse",
    "flavor-list.nova-api.memory": "worse",
    "keypair.errors": "worse",
    "token.keystone.cpu": "better",
}


def changed(name: str) -> dict[str, str]:
    found = compare(pairs.read(DATA / name), True)
    return {one.name: one.answer for one in found.findings if one.is_changed}


@pytest.mark.parametrize("name", CHANGED)
def test_effects_of_known_size_are_found(name):
    found = changed(name)
    assert {name: found.get(name) for name in EFFECTS} == EFFECTS
    assert not any(name.startswith("image-list.") for name in found)
    assert not any(name.startswith("keypair.") and found[name] == "better" for name in found)


@pytest.mark.parametrize(("name", "statements"), CHANGED.items())
def test_statements_are_counted_to_the_last_one(name, statements):
    findings = compare(pairs.read(DATA / name), True).findings
    boot = next(one for one in findings if one.name == "server-boot.nova-scheduler.statements")
    assert (boot.how, boot.after - boot.before) == ("exact", statements)


@pytest.mark.parametrize("name", QUIET)
def test_where_nothing_changed_nothing_is_found(name):
    assert changed(name) == {}
