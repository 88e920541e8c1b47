# SPDX-License-Identifier: Apache-2.0
"""The words that a deployment file may use for a feature, old and new, and what became of each.

Releases were read from the tags and release notes of nova and oslo.messaging:
nova f5f73b4c4e (nova-network), 92a459331f (chance), 25dadb94db (caching),
adb28f503c (xenapi), b068b04372 (hyperv), `remove_ec2_and_objectstore_api`;
oslo.messaging 925eb734 (qpid), f2fd8d43 (zmq).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .document import iter_entries
from .faults import Fault, Path, quoted, show


@dataclass(frozen=True)
class Word:
    """One thing that has spellings: what it means today, or why it cannot be had."""

    key: str
    spellings: tuple[str, ...]
    means: str = ""
    reason: str = ""


def _classes(module: str, *names: str) -> tuple[str, ...]:
    return names + tuple(f"{module}.{name}" for name in names)


_NETWORK = "nova.network.manager"
_NETWORK_LEFT = (
    "because nova-network left nova in 21.0.0 (Ussuri) and neutron took its place; "
    "'flat' gives one flat provider network"
)
_SCHEDULER_LEFT = "left nova in 19.0.0 (Stein); 'filter' is nova's own and 'simple' spreads by free"

WORDS = (
    Word("manager", ("flat", *_classes(_NETWORK, "FlatManager", "FlatNetworkManager")), "flat"),
    Word("manager", _classes(_NETWORK, "FlatDHCPManager"), reason=_NETWORK_LEFT),
    Word("manager", _classes(_NETWORK, "VlanManager"), reason=_NETWORK_LEFT),
    Word("api", ("openstack",), "openstack"),
    Word(
        "api",
        ("ec2",),
        reason="because the EC2 API left nova in 13.0.0 (Mitaka) for the project ec2-api, "
        "which osci does not deploy",
    ),
    Word(
        "type",
        ("simple", *_classes("nova.scheduler.simple", "SimpleScheduler")),
        "simple",
    ),
    Word(
        "type",
        (
            "filter",
            "filter_scheduler",
            *_classes("nova.scheduler.filter_scheduler", "FilterScheduler"),
        ),
        "filter",
    ),
    Word(
        "type",
        ("chance", "chance_scheduler", *_classes("nova.scheduler.chance", "ChanceScheduler")),
        reason=f"because the chance scheduler {_SCHEDULER_LEFT} memory",
    ),
    Word(
        "type",
        (
            "caching",
            "caching_scheduler",
            *_classes("nova.scheduler.caching_scheduler", "CachingScheduler"),
        ),
        reason=f"because the caching scheduler {_SCHEDULER_LEFT} memory",
    ),
    Word("driver", ("fake",), "fake"),
    Word("driver", ("libvirt",), reason="because osci does not support 'libvirt' yet"),
    Word(
        "driver",
        ("xenapi", "xenapi.XenAPIDriver"),
        reason="because the XenAPI driver left nova in 22.0.0 (Victoria)",
    ),
    Word(
        "driver",
        ("hyperv", "hyperv.HyperVDriver"),
        reason="because the Hyper-V driver left nova in 29.0.0 (2024.1)",
    ),
    Word("broker", ("rabbit", "rabbitmq"), "rabbit"),
    Word(
        "broker",
        ("qpid",),
        reason="because the qpid driver left oslo.messaging in 3.1.0 (Mitaka)",
    ),
    Word(
        "broker",
        ("zmq", "zeromq"),
        reason="because the ZeroMQ driver left oslo.messaging in 9.0.0 (Stein)",
    ),
    Word("engine", ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"), "mysql"),
    Word(
        "engine",
        ("postgresql", "postgres", "postgresql+psycopg2"),
        reason="because osci does not support PostgreSQL",
    ),
    Word(
        "engine",
        ("sqlite",),
        reason="because services on several hosts cannot share an SQLite file",
    ),
)

# The keys whose entries each hold a word, though nova takes one word for all its hosts.
ROLES = {"api": "api", "network": "manager", "scheduler": "type", "compute": "driver"}
DEFAULTS = {"api": "openstack", "network": "flat", "scheduler": "filter", "compute": "fake"}


def meaning(key: str, spelling: str) -> str:
    """Return what the word means today, or "" where it cannot be used."""
    return next((word.means for word in WORDS if _is(word, key, spelling)), "")


def check_word(path: Path, key: str, spelling: str) -> Iterator[Fault]:
    """Yield a fault where the word cannot be used, with the reason where there is one."""
    if meaning(key, spelling):
        return
    known = tuple(dict.fromkeys(word.means for word in WORDS if word.key == key and word.means))
    reason = next((word.reason for word in WORDS if _is(word, key, spelling)), "")
    expected = f"{quoted(known)}, {reason}" if reason else quoted(known)
    yield Fault(path, show(spelling), expected, "" if reason else spelling, known)


def check(value: dict[str, Any]) -> Iterator[Fault]:
    """Yield the words of the roles that cannot be used, or not together."""
    for role, key in ROLES.items():
        used = [
            ((role, position, key), entry[key])
            for position, entry in iter_entries(value, role)
            if entry.get(key) is not None
        ]
        for path, spelling in used:
            yield from check_word(path, key, spelling)
        yield from _check_together(key, used)


def resolve(value: dict[str, Any], role: str) -> tuple[str, Path | str]:
    """Return what the first word of the role means, and where it came from."""
    key = ROLES[role]
    for position, entry in iter_entries(value, role):
        if key in entry:
            return meaning(key, entry[key]), (role, position, key)
    return DEFAULTS[role], "default"


def _check_together(key: str, used: Sequence[tuple[Path, str]]) -> Iterator[Fault]:
    usable = [(path, spelling) for path, spelling in used if meaning(key, spelling)]
    for path, spelling in usable[1:]:
        first = meaning(key, usable[0][1])
        if meaning(key, spelling) != first:
            yield Fault(path, show(spelling), f"'{first}' as on the first host of '{path[0]}'")


def _is(word: Word, key: str, spelling: str) -> bool:
    return word.key == key and spelling in word.spellings
