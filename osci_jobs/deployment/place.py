# SPDX-License-Identifier: Apache-2.0
"""Which hosts run which service: what the file says, and where the rest goes."""

from collections.abc import Iterator
from typing import Any

from .document import iter_entries
from .faults import Fault, Path, show
from .hosts import check_reference

# Each service by the name of its systemd unit.
SERVICES = (
    "mariadb",
    "rabbitmq-server",
    "memcached",
    "keystone",
    "glance",
    "placement",
    "neutron",
    "nova-api",
    "nova-conductor",
    "nova-scheduler",
    "nova-compute",
)
ROLES = ("api", "network", "scheduler", "compute", "identity", "image", "placement")
KEYS = (*ROLES, "messaging", "datastore")
FIRST_API = "default: the first 'api' host"

# For each service that roles place: the role in the file, whether only the
# first of its hosts runs it, and the role that stands in before `api` does.
_RULES = {
    "keystone": ("identity", True, ""),
    "glance": ("image", True, ""),
    "placement": ("placement", True, ""),
    "neutron": ("network", True, ""),
    "nova-api": ("api", False, ""),
    "nova-scheduler": ("scheduler", False, ""),
    "nova-compute": ("compute", False, "network"),
}


def has_services(value: dict[str, Any]) -> bool:
    """Say whether the file places any service; otherwise it is one of bare hosts."""
    return any(key in value for key in KEYS)


def has_several_computes(value: dict[str, Any]) -> bool:
    """Say whether the file places nova-compute on more than one host."""
    return len(value.get("compute") or value.get("network") or ()) > 1


def check(value: dict[str, Any], known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield roles on hosts that are not there or there twice, and a missing `api`."""
    if has_services(value) and "api" not in value:
        reason = next(key for key in value if key in KEYS)
        expected = f"a list of at least one host, because the file has '{reason}'"
        yield Fault(("api",), "nothing", expected)
    for role in ROLES:
        yield from _check_role(value, role, known)


def resolve(
    value: dict[str, Any], database_host: str, broker_host: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, Path | str]]:
    """Return the hosts of each service in the order of SERVICES, and where they came from.

    The origins of database and broker are theirs to say, see `servers.py`.
    """
    if not has_services(value):
        return {}, {}
    first_api = (value["api"][0]["host"],)
    placed: dict[str, tuple[str, ...]] = dict.fromkeys(SERVICES, first_api)
    origins: dict[str, Path | str] = {f"services.{name}": FIRST_API for name in SERVICES}
    placed |= {"mariadb": (database_host,), "rabbitmq-server": (broker_host,)}
    for service, (role, only_first, stand_in) in _RULES.items():
        if role in value:
            placed[service] = _hosts(value, role, only_first)
            origins[f"services.{service}"] = (role, 0, "host") if only_first else (role,)
        elif stand_in in value:
            placed[service] = _hosts(value, stand_in, only_first)
            origins[f"services.{service}"] = f"default: the '{stand_in}' hosts"
    return placed, origins


def _check_role(value: dict[str, Any], role: str, known: tuple[str, ...]) -> Iterator[Fault]:
    seen: set[str] = set()
    for position, entry in iter_entries(value, role):
        path, name = (role, position, "host"), entry.get("host")
        yield from check_reference(path, name, known)
        if name in seen:
            yield Fault(path, show(name), f"each host once in '{role}'")
        if name is not None:
            seen.add(name)


def _hosts(value: dict[str, Any], role: str, only_first: bool) -> tuple[str, ...]:
    found = tuple(entry["host"] for _, entry in iter_entries(value, role))
    return found[:1] if only_first else found
