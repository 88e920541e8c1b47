# SPDX-License-Identifier: Apache-2.0
"""The accounts of the deployed services; each process has its own, so that it can be counted."""

from collections.abc import Iterable

DATABASE = (
    *("glance", "keystone", "neutron", "nova-api", "nova-conductor", "nova-manage"),
    *("nova-scheduler", "placement"),
)
KEYSTONE = ("admin", "glance", "neutron", "nova", "placement")
_BROKER = ("neutron", "nova-api", "nova-conductor", "nova-manage", "nova-scheduler")
# The services that speak over the broker; nova-manage is none.
SERVICES = tuple(sorted({*_BROKER, "nova-compute"} - {"nova-manage"}))


def broker(computes: Iterable[str]) -> tuple[str, ...]:
    """Return the accounts on the broker; each of the hosts `computes` has one."""
    return (*_BROKER, *(f"nova-compute-{host}" for host in computes))
