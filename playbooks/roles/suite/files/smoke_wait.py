# SPDX-License-Identifier: Apache-2.0
"""Waiting for a server, and saying what became of one that does not come."""

import time
from datetime import UTC, datetime

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException
from smoke_record import CaseFailedError
from smoke_run import POLL_SECONDS

_LATE_SECONDS = 15  # nova-compute reports every 10 s


def wait_until(run, status):
    """Return the server once it is at rest in `status`; right after the call that asked for it.

    Raises CaseFailedError, laid to that call, when it ends in another status
    or takes too long. Nova marks a server as busy before it answers a call, so
    that one at rest has ended; but for VERIFY_RESIZE, which is left unmarked.
    """
    asked, start = run.samples.last, time.monotonic()
    while True:
        server = run.cloud.compute.get_server(run.server.id)
        seconds = time.monotonic() - start
        is_at_rest = not server.task_state
        if server.status == status and is_at_rest:
            return server
        if server.status == "ERROR" or (server.status == "ACTIVE" and is_at_rest):
            what = f"went to {server.status}, not {status}, after {seconds:.1f} s"
            raise CaseFailedError(trouble(run.cloud, server, what), asked)
        if seconds >= run.settings.server_build_timeout:
            what = f"stayed in {server.status} ({server.task_state or server.vm_state})"
            raise CaseFailedError(trouble(run.cloud, server, f"{what} for {seconds:.0f} s"), asked)
        time.sleep(POLL_SECONDS)


def trouble(cloud, server, what):
    """Return a sentence on what became of the server, and what may have caused it."""
    parts = [f"The server {what}"]
    if server.fault:
        parts.append(f"its fault is '{server.fault.get('message')}'")
    return "; ".join(parts + _late_computes(cloud)) + "."


def _late_computes(cloud):
    """Return a phrase for each compute service that is down or has not reported of late."""
    try:
        services = list(cloud.compute.services(binary="nova-compute"))
    except (SDKException, ClientException) as error:
        return [f"the compute services cannot be listed: {error}"]
    phrases = []
    for service in services:
        seconds = _seconds_since(service.updated_at)
        if service.state != "up" or seconds > _LATE_SECONDS:
            seen = f"was last seen {seconds:.0f} s ago" if service.updated_at else "was never seen"
            phrases.append(f"nova-compute on {service.host} {seen} (state {service.state})")
    return phrases


def _seconds_since(at):
    """Return the seconds since a time of nova's, which is in UTC and does not say so."""
    if not at:
        return 0
    return (datetime.now(UTC) - datetime.fromisoformat(at).replace(tzinfo=UTC)).total_seconds()
