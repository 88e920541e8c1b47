# SPDX-License-Identifier: Apache-2.0
"""The last case: all that was made is deleted, and what others made is left alone."""

import time
from dataclasses import dataclass

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import NotFoundException, SDKException
from smoke_record import CaseFailedError
from smoke_run import POLL_SECONDS
from smoke_wait import trouble

# A request whose answer was lost may still be under way.
_LOST_SECONDS = 3


@dataclass(frozen=True)
class Kind:
    """How openstacksdk calls the service of a kind of things, and what lists, gets and deletes."""

    service: str
    list: str
    get: str
    delete: str


KINDS = {
    "keypair": Kind("compute", "keypairs", "get_keypair", "delete_keypair"),
    "server": Kind("compute", "servers", "get_server", "delete_server"),
    "image": Kind("image", "images", "get_image", "delete_image"),
}


def clean_up(run):
    """Delete all that was made, by id, and see it gone; but for what is to stay."""
    unwanted = [made for made in run.made if getattr(run.settings, f"clean_up_{made.kind}s")]
    troubles = []
    # All are asked for before any is waited for: after TERM there is little time.
    for step in (_delete, _see_gone):
        for made in unwanted:
            try:
                step(run, made)
            except (SDKException, ClientException, CaseFailedError) as error:
                troubles.append(f"{made.kind} {made.name}: {run.samples.message(error)}")
    if troubles:
        raise CaseFailedError(" ".join(troubles), call="")


def _delete(run, made):
    made.id = made.id or _find_lost(run, made)
    made.delete_asked_at = time.monotonic()
    if made.id:
        _call(run, made, "delete", made.id)
        made.delete_call = run.samples.last


def _find_lost(run, made):
    """Return the id of what bears the name; "" when nothing comes of the request."""
    end = time.monotonic() + _LOST_SECONDS
    while time.monotonic() < end:
        for thing in _call(run, made, "list"):
            if thing.name == made.name:
                return thing.id
        time.sleep(POLL_SECONDS)
    return ""


def _see_gone(run, made):
    """Wait until something is gone, and what came with it; raise CaseFailedError when it stays."""
    if not made.id:
        return
    _wait_until_missing(run, made)
    if made.kind == "server":
        run.samples.waited("compute.server.delete", made.delete_asked_at)
        _see_no_ports(run, made)


def _wait_until_missing(run, made):
    while True:
        try:
            found = _call(run, made, "get", made.id)
        except NotFoundException:
            return
        seconds = time.monotonic() - made.delete_asked_at
        if seconds >= run.settings.server_build_timeout:
            what = f"is still there {seconds:.0f} s after its deletion"
            is_server = made.kind == "server"
            message = trouble(run.cloud, found, what) if is_server else f"It {what}."
            raise CaseFailedError(message, made.delete_call)
        time.sleep(POLL_SECONDS)


def _see_no_ports(run, server):
    left = [port.id for port in run.cloud.network.ports(device_id=server.id)]
    for port in left:
        run.cloud.network.delete_port(port)
    if left:
        raise CaseFailedError(f"It is gone and left the ports {', '.join(left)}, now deleted.")


def _call(run, made, what, *arguments):
    """Call the service of something to list, get or delete its kind."""
    kind = KINDS[made.kind]
    return getattr(getattr(run.cloud, kind.service), getattr(kind, what))(*arguments)
