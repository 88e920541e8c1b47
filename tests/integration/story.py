# SPDX-License-Identifier: Apache-2.0
"""The trunk of nova and the branches of docs/bob.md, and the files of a Bazaar branch of each."""

import random
from dataclasses import dataclass
from pathlib import Path

import trunk

# What makes the wheel; the rest of nova takes Bazaar a minute.
PARTS = ("nova", "etc")
# What of the suite `smoke` fails on trunk, and what Bob's branch breaks.
BROKEN = "smoke: servers.test_003_update_one_server_metadata_item"
SPOILT = "smoke: limits.test_list"
# What lists of servers take longer on trunk than in the release, so that there is something to
# speed up. Who sleeps longer keeps workers from others, and is slower by more than the sleep.
TRUNK_SECONDS = 0.06

_SERVERS = "nova/api/openstack/compute/servers.py"
_METADATA = "nova/api/openstack/compute/server_metadata.py"
_LIMITS = "nova/api/openstack/compute/limits.py"
_LIST = "    def index(self, req):\n"
_UPDATE = "    def update(self, req, server_id, id, body):\n"
_SLEEP = "        import time; time.sleep({:.4f})\n"
_RAISE = "        raise ValueError('{}')\n"


@dataclass(frozen=True)
class Story:
    """By how many seconds Bob's branch makes each list of servers slower."""

    seed: int
    slower_seconds: float

    @classmethod
    def draw(cls, seed: int) -> "Story":
        """Draw the size."""
        return cls(seed, random.Random(seed).randint(35, 65) / 1000)


def make(directory: Path, story: Story) -> dict[str, dict[str, str]]:
    """Return the texts of trunk, and of what each branch changes, by branch and path."""
    nova = trunk.start(directory, "nova", trunk.VERSION)
    nova.branch(
        "master",
        "first",
        "Sleep, and break",
        _all(
            trunk.edited(_SERVERS, _LIST, _LIST + _SLEEP.format(TRUNK_SECONDS)),
            trunk.edited(_METADATA, _UPDATE, _UPDATE + _RAISE.format("broken on trunk")),
        ),
    )
    slept = _SLEEP.format(TRUNK_SECONDS)
    slower = _SLEEP.format(TRUNK_SECONDS + story.slower_seconds)
    changes = {
        "spiffy": _all(
            trunk.edited(_SERVERS, slept, slower),
            trunk.edited(_LIMITS, _LIST, _LIST + _RAISE.format("spoilt by Bob")),
        ),
        "mended": _all(
            trunk.edited(_SERVERS, slept, ""),
            trunk.edited(_METADATA, _RAISE.format("broken on trunk"), ""),
        ),
        "comment": trunk.edited(_SERVERS, "\nLOG = ", "\n# Nothing of this is changed.\nLOG = "),
    }
    base = files(nova.path)
    found = {"trunk": base}
    for name, change in changes.items():
        nova.branch(name, "master", f"Make it {name}", change)
        found[name] = {path: text for path, text in files(nova.path).items() if base[path] != text}
    return found


def files(path: Path) -> dict[str, str]:
    """Return the texts of what a wheel is made from, by path."""
    found = [file for file in path.iterdir() if file.is_file()]
    found += [file for part in PARTS for file in (path / part).rglob("*") if file.is_file()]
    names = {str(file.relative_to(path)): file for file in found}
    return {
        name: file.read_text()
        for name, file in names.items()
        if not name.startswith(("nova/tests/", "."))
    }


def _all(*changes):
    def change(path: Path):
        for one in changes:
            one(path)

    return change
