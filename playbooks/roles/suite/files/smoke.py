# SPDX-License-Identifier: Apache-2.0
"""Boot a server, find it, change it and delete it, through every API.

    smoke.py FILE

FILE is JSON: build_timeout (seconds), calls (see osci_jobs/suites/smoke.py),
cloud, flavor (id), image and network (names). Names and order of the cases are
Torpedo's. To add one, write its function and put it into CASES.
"""

import functools
import json
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import requests
from keystoneauth1.exceptions import ClientException
from keystoneauth1.session import Session
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import NotFoundException, SDKException
from smoke_record import Case, CaseFailedError, Cases, Samples

POLL_SECONDS = 0.2
LATE_SECONDS = 15  # nova-compute reports every 10 s


class SampledSession(requests.Session):
    """A session of which each request is a sample."""

    def __init__(self, samples):
        super().__init__()
        self._samples = samples

    def request(self, method, url, **arguments):
        """Send a request as `requests` does."""
        body = arguments.get("json") or _json(arguments.get("data"))
        send = functools.partial(super().request, method, url, **arguments)
        return self._samples.call(method, url, body, send)


@dataclass
class Made:
    """Something that was asked for; its id is unknown until the answer is there."""

    kind: str  # keypair, server
    name: str
    id: str = ""
    delete_asked_at: float = 0.0


@dataclass
class Run:
    """What the cases share: the cloud, the settings, and what was found and made so far."""

    cloud: Connection
    samples: Samples
    settings: SimpleNamespace
    token: str
    made: list = field(default_factory=list)
    flavors: dict = field(default_factory=dict)
    flavor: object = None
    images: dict = field(default_factory=dict)
    image: object = None
    key: Made = None
    server: Made = None

    def make(self, kind):
        """Note something that is about to be made, so that it is deleted whatever happens."""
        made = Made(kind, f"osci-smoke-{self.token}-{kind}")
        self.made.append(made)
        return made


def main(path):
    """Run all cases and write cases.jsonl and samples.csv; return 1 when one failed."""
    with open(path, encoding="utf-8") as file:
        settings = SimpleNamespace(**json.load(file))
    with open("samples.csv", "w", encoding="utf-8", newline="") as samples_file:
        samples = Samples(samples_file, settings.calls)
        run = Run(_connect(settings.cloud, samples), samples, settings, secrets.token_hex(4))
        with open("cases.jsonl", "w", encoding="utf-8") as cases_file:
            cases = Cases(cases_file, samples, (SDKException, ClientException))
            _run_cases(cases, run)
    return int(cases.has_failed)


def _run_cases(cases, run):
    _on_signals(lambda *_: cases.stop())
    try:
        for case in CASES:
            cases.run(case, run)
    finally:
        _on_signals(signal.SIG_IGN)
        cases.finish(CLEANUP, run)


def _on_signals(handler):
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _connect(cloud, samples):
    session = functools.partial(Session, session=SampledSession(samples))
    config = OpenStackConfig(session_constructor=session).get_one(cloud)
    return Connection(config=config)


def create_key_pair(run):
    """Make a keypair and read it back."""
    run.key = key = run.make("keypair")
    made = run.cloud.compute.create_keypair(name=key.name)
    _check("private key", bool(made.private_key), True)
    key.id = made.id
    found = run.cloud.compute.get_keypair(key.id)
    _check("fingerprint", found.fingerprint, made.fingerprint)


def list_flavors(run):
    """Find the flavor among all."""
    run.flavors = {flavor.id: flavor for flavor in run.cloud.compute.flavors()}
    _check_listed("flavor", run.settings.flavor, run.flavors)


def get_flavor(run):
    """Read the flavor: it is what the list said."""
    run.flavor = run.cloud.compute.get_flavor(run.settings.flavor)
    listed = run.flavors[run.settings.flavor]
    for name in ("name", "ram", "vcpus", "disk"):
        _check(name, getattr(run.flavor, name), getattr(listed, name))


def list_limits(run):
    """Read the limits: they are numbers."""
    limits = run.cloud.compute.get_limits().absolute
    for name in ("instances", "instances_used", "total_cores", "total_ram"):
        if not isinstance(getattr(limits, name), int):
            raise CaseFailedError(f"The limit '{name}' is {getattr(limits, name)!r}, not a number.")


def list_images(run):
    """Find the image among all."""
    run.images = {image.name: image for image in run.cloud.image.images()}
    _check_listed("image", run.settings.image, run.images)


def get_image(run):
    """Read the image: it is what the list said, and can be booted."""
    listed = run.images[run.settings.image]
    run.image = run.cloud.image.get_image(listed.id)
    _check("name", run.image.name, listed.name)
    _check("size", run.image.size, listed.size)
    _check("status", run.image.status, "active")


def create_server(run):
    """Boot a server: it becomes active and is what was asked for."""
    network = run.cloud.network.find_network(run.settings.network, ignore_missing=False)
    run.server = run.make("server")
    key = {"key_name": run.key.name} if run.key and run.key.id else {}
    start = time.monotonic()
    made = run.cloud.compute.create_server(
        name=run.server.name,
        image_id=run.image.id,
        flavor_id=run.flavor.id,
        networks=[{"uuid": network.id}],
        **key,
    )
    run.server.id = made.id
    server = _wait_until_active(run)
    run.samples.waited("compute.server.boot", start)
    _check("name", server.name, run.server.name)
    _check("host id", bool(server.host_id), True)
    _check("image", server.image.id, run.image.id)
    _check("flavor", server.flavor.original_name, run.flavor.name)
    _check("key", server.key_name, key.get("key_name"))
    addresses = server.addresses.get(run.settings.network, [])
    kinds = {address["OS-EXT-IPS:type"] for address in addresses}
    if "fixed" not in kinds:
        raise CaseFailedError(f"The server has no fixed address in '{run.settings.network}'.")


def delete_metadata_items(run):
    """Give the server two items and delete them one by one."""
    server = _server(run)
    _set_metadata(run, {"first": "one", "second": "two"})
    server.delete_metadata_item(run.cloud.compute, "first")
    _check_metadata(run, {"second": "two"})
    server.delete_metadata_item(run.cloud.compute, "second")
    _check_metadata(run, {})


def update_one_metadata_item(run):
    """Change one of two items; the other stays."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _server(run).set_metadata_item(run.cloud.compute, "first", "1")
    _check_metadata(run, {"first": "1", "second": "two"})


def update_some_metadata_items(run):
    """Change one item and add another; the rest stays."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _server(run).set_metadata(run.cloud.compute, {"second": "2", "third": "3"})
    _check_metadata(run, {"first": "one", "second": "2", "third": "3"})


def set_metadata_items(run):
    """Put new items in the place of all."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _set_metadata(run, {"second": "2", "third": "3"})


def clear_metadata(run):
    """Put nothing in the place of all items."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _set_metadata(run, {})


def soft_reboot(run):
    """Ask the server to reboot: it becomes active again."""
    run.cloud.compute.reboot_server(run.server.id, "SOFT")
    _wait_until_active(run)


def hard_reboot(run):
    """Reboot the server by force: it becomes active again."""
    run.cloud.compute.reboot_server(run.server.id, "HARD")
    _wait_until_active(run)


def clean_up(run):
    """Delete all that was made, by id, and see it gone."""
    troubles = []
    # All are asked for before any is waited for: after TERM there is little time.
    for step in (_delete, _see_gone):
        for made in run.made:
            try:
                step(run, made)
            except (SDKException, ClientException, CaseFailedError) as error:
                troubles.append(f"{made.kind} {made.name}: {error}")
    if troubles:
        raise CaseFailedError(" ".join(troubles))


# In Torpedo's order, but for CLEANUP, which runs whatever became of the others.
SERVER = "servers.test_001_create_server"
CASES = (
    Case("keypairs", "test_001_create_key_pair", create_key_pair),
    Case("flavors", "test_list", list_flavors),
    Case("flavors", "test_get", get_flavor, ("flavors.test_list",)),
    Case("limits", "test_list", list_limits),
    Case("images", "test_list", list_images),
    Case("images", "test_get", get_image, ("images.test_list",)),
    Case(
        "servers", "test_001_create_server", create_server, ("flavors.test_get", "images.test_get")
    ),
    Case("servers", "test_002_delete_server_metadata_items", delete_metadata_items, (SERVER,)),
    Case(
        "servers", "test_003_update_one_server_metadata_item", update_one_metadata_item, (SERVER,)
    ),
    Case(
        "servers",
        "test_004_update_some_server_metadata_items",
        update_some_metadata_items,
        (SERVER,),
    ),
    Case("servers", "test_005_set_server_metadata_items", set_metadata_items, (SERVER,)),
    Case("servers", "test_006_clear_server_metadata", clear_metadata, (SERVER,)),
    Case("servers", "test_035_soft_reboot", soft_reboot, (SERVER,)),
    Case("servers", "test_036_hard_reboot", hard_reboot, (SERVER,)),
)
CLEANUP = Case("cleanup", "test_999_cleanup", clean_up)


def _json(data):
    """Return the object in the body of a request, which keystoneauth has encoded already."""
    try:
        return json.loads(data)
    except (TypeError, ValueError):
        return None


def _check(what, found, expected):
    if found != expected:
        raise CaseFailedError(f"The {what} is {found!r}, not {expected!r}.")


def _check_listed(what, wanted, found):
    if wanted not in found:
        listed = ", ".join(sorted(found)[:20]) or "none"
        raise CaseFailedError(f"There is no {what} '{wanted}'; there are: {listed}.")


def _server(run):
    return run.cloud.compute.get_server(run.server.id)


def _set_metadata(run, items):
    _server(run).replace_metadata(run.cloud.compute, items)
    _check_metadata(run, items)


def _check_metadata(run, expected):
    found = run.cloud.compute.get_server_metadata(run.server.id).metadata
    _check("metadata", found, expected)


def _wait_until_active(run):
    """Return the server once it is active and at rest, in error or too late raise."""
    start = time.monotonic()
    while True:
        server = _server(run)
        seconds = time.monotonic() - start
        if server.status == "ACTIVE" and not server.task_state:
            return server
        if server.status == "ERROR":
            raise CaseFailedError(_trouble(run, server, f"went to ERROR after {seconds:.1f} s"))
        if seconds >= run.settings.build_timeout:
            state = f"{server.status} ({server.task_state or server.vm_state})"
            raise CaseFailedError(_trouble(run, server, f"stayed in {state} for {seconds:.0f} s"))
        time.sleep(POLL_SECONDS)


def _trouble(run, server, what):
    """Return a sentence on what became of the server, and what may have caused it."""
    parts = [f"The server {what}"]
    if server.fault:
        parts.append(f"its fault is '{server.fault.get('message')}'")
    last = run.samples.last
    parts += _late_computes(run.cloud)
    run.samples.last = last  # the message is about the server, not about this
    return "; ".join(parts) + "."


def _late_computes(cloud):
    """Return a phrase for each compute service that is down or has not reported of late."""
    try:
        services = list(cloud.compute.services(binary="nova-compute"))
    except (SDKException, ClientException) as error:
        return [f"the compute services cannot be listed: {error}"]
    phrases = []
    for service in services:
        seconds = _seconds_since(service.updated_at)
        if service.state != "up" or seconds > LATE_SECONDS:
            seen = f"was last seen {seconds:.0f} s ago" if service.updated_at else "was never seen"
            phrases.append(f"nova-compute on {service.host} {seen} (state {service.state})")
    return phrases


def _seconds_since(at):
    """Return the seconds since a time of nova's, which is in UTC and does not say so."""
    if not at:
        return 0
    return (datetime.now(UTC) - datetime.fromisoformat(at).replace(tzinfo=UTC)).total_seconds()


def _delete(run, made):
    compute = run.cloud.compute
    made.delete_asked_at = time.monotonic()
    if made.kind == "keypair":
        compute.delete_keypair(made.name)  # its name is its id
        return
    if not made.id:
        # The answer to its creation was lost; the name is this run's alone.
        named = [server for server in compute.servers(details=False) if server.name == made.name]
        made.id = named[0].id if named else ""
    if made.id:
        compute.delete_server(made.id)


def _see_gone(run, made):
    """Wait until something is gone, and what came with it; raise CaseFailedError when it stays."""
    if made.kind == "keypair":
        _wait_until_missing(run, made, lambda: run.cloud.compute.get_keypair(made.name))
    elif made.id:
        _wait_until_missing(run, made, lambda: run.cloud.compute.get_server(made.id))
        run.samples.waited("compute.server.delete", made.delete_asked_at)
        _see_no_ports(run, made)


def _wait_until_missing(run, made, fetch):
    while True:
        try:
            found = fetch()
        except NotFoundException:
            return
        seconds = time.monotonic() - made.delete_asked_at
        if seconds >= run.settings.build_timeout:
            what = f"is still there {seconds:.0f} s after its deletion"
            is_server = made.kind == "server"
            raise CaseFailedError(_trouble(run, found, what) if is_server else f"It {what}.")
        time.sleep(POLL_SECONDS)


def _see_no_ports(run, server):
    left = [port.id for port in run.cloud.network.ports(device_id=server.id)]
    for port in left:
        run.cloud.network.delete_port(port)
    if left:
        raise CaseFailedError(f"It is gone and left the ports {', '.join(left)}, now deleted.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
