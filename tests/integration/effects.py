# SPDX-License-Identifier: Apache-2.0
"""Trunks of nova and keystone, and branches that change what they cost by known amounts."""

import random
from dataclasses import dataclass
from pathlib import Path

import trunk
from trunk import Repository

KEYSTONE = "30.0.0"
_SERVERS = "nova/api/openstack/compute/servers.py"
_FLAVORS = "nova/api/openstack/compute/flavors.py"
_KEYPAIRS = "nova/api/openstack/compute/keypairs.py"
_SCHEDULER = "nova/scheduler/manager.py"
_TOKENS = "keystone/api/_shared/authentication.py"

_LIST = "    def index(self, req):\n"
_CREATE = "    def create(self, req, body):\n"
_SELECT = '        """Returns destinations(s) best suited'
_AUTHENTICATE = '    """Authenticate user and issue a token."""\n'
_UTILS = "\nfrom nova import utils\n"
_LOG = "\nLOG = logging.getLogger(__name__)\n"
_COUNT = """

def _spend(context, times):
    from nova.db.api import api, models

    @api.context_manager.reader
    def count(context):
        for _ in range(times):
            context.session.query(models.CellMapping).count()

    count(context)

"""


@dataclass(frozen=True)
class Effects:
    """What the branch adds: seconds to a list of servers, statements to a boot, KiB that stay
    of each list of flavors; and how many CPU seconds a token costs less.
    """

    seed: int
    sleep_seconds: float
    statements: int
    kept_kib: int
    saved_seconds: float

    @classmethod
    def draw(cls, seed: int) -> "Effects":
        """Draw the size of each effect."""
        chance = random.Random(seed)
        return cls(
            seed=seed,
            sleep_seconds=chance.randint(15, 60) / 1000,
            statements=chance.randint(5, 20),
            kept_kib=chance.randint(100, 400),
            saved_seconds=chance.uniform(0.015, 0.025),
        )


# What a token costs more on trunk than in the release, so that there is something to save.
BURNT_SECONDS = 0.04


def make(directory: Path, effects: Effects) -> dict[str, Repository]:
    """Make both trunks (`master`), and their branches `effects` and `comment`."""
    nova = trunk.start(directory, "nova", trunk.VERSION)
    nova.branch("master", "first", "Count before a boot", _all(_counting(1)))
    nova.branch("effects", "master", "Change this and that", _nova(effects))
    nova.branch("comment", "master", "Say why", _comment(_SERVERS))
    keystone = trunk.start(directory, "keystone", KEYSTONE)
    keystone.branch("master", "first", "Burn", _burning(BURNT_SECONDS))
    saved = BURNT_SECONDS - effects.saved_seconds
    keystone.branch(
        "effects", "master", "Burn less", trunk.edited(_TOKENS, f"{BURNT_SECONDS}", f"{saved}")
    )
    keystone.branch("comment", "master", "Say why", _comment(_TOKENS))
    return {"nova": nova, "keystone": keystone}


def _all(*changes):
    def change(path: Path):
        for one in changes:
            one(path)

    return change


def _counting(times: int):
    """Ask the database something before each boot, so many times in one transaction."""
    called = f"        _spend(context, {times})\n"
    return _all(
        trunk.edited(_SCHEDULER, _LOG, _LOG + _COUNT),
        trunk.edited(_SCHEDULER, _SELECT, called + _SELECT),
    )


def _nova(effects: Effects):
    sleeping = f"        import time; time.sleep({effects.sleep_seconds})\n"
    keeping = f"        _KEPT.append(bytearray(b'x') * ({effects.kept_kib} << 10))\n"
    failing = "        raise webob.exc.HTTPInternalServerError('spoilt by a branch')\n"
    return _all(
        trunk.edited(_SERVERS, _LIST, _LIST + sleeping),
        trunk.edited(
            _SCHEDULER, "_spend(context, 1)", f"_spend(context, {1 + effects.statements})"
        ),
        trunk.edited(_FLAVORS, _UTILS, _UTILS + "\n_KEPT = []\n"),
        trunk.edited(_FLAVORS, '        """Return all flavors in detail."""\n', keeping),
        trunk.edited(_KEYPAIRS, _CREATE, _CREATE + failing),
    )


def _burning(seconds: float):
    burn = (
        "    import time\n"
        "    until = time.thread_time() + {}\n"
        "    while time.thread_time() < until:\n"
        "        pass\n"
    )
    return trunk.edited(_TOKENS, _AUTHENTICATE, _AUTHENTICATE + burn.format(seconds))


def _comment(name: str):
    return trunk.edited(name, "\nLOG = ", "\n# Nothing of this is changed.\nLOG = ")
