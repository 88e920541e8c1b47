# SPDX-License-Identifier: Apache-2.0
"""Wait until the cloud is ready: every service answers, and a server boots and is deleted.

    ready.py FILE

FILE is JSON: computes, seconds (for all of it), network{name, cidr}, image,
flavors[]. The image, the network and the flavors are made when they are not
there. Exits 1 with a sentence that names what does not work.
"""

import json
import logging
import os
import sys
import time
import urllib.error
import urllib.request

import openstack
from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

INTERVAL_SECONDS = 0.3
# A call that hangs when the time is nearly over must not outlast it by much.
CALL_SECONDS = 20
SERVER = "osci-ready"
SERVICE_TYPES = ("compute", "identity", "image", "network", "placement")


class NotReadyError(Exception):
    """Something did not work in time."""


def main(path):
    """Wait for all of it; report the first that does not come."""
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    # Each vain attempt would leave a warning in front of the one line that tells.
    logging.disable(logging.WARNING)

    until = time.monotonic() + wanted["seconds"]

    def wait_for(what, attempt, service_type=None):
        try:
            return _wait_for(what, attempt, until)
        except NotReadyError as error:
            refusal = service_type and _refusal(cloud, service_type)
            raise NotReadyError(f"{error} {refusal}" if refusal else error) from error

    cloud = wait_for("keystone", _connect)
    wait_for("placement", lambda: cloud.placement.get("/").ok, "placement")
    image = wait_for("glance", lambda: _image(cloud, wanted["image"]), "image")
    network = wait_for("neutron", lambda: _network(cloud, wanted["network"]), "network")
    flavor = wait_for("nova-api", lambda: _flavors(cloud, wanted["flavors"]), "compute")
    for name in wanted["computes"]:
        wait_for(f"nova-compute on {name}", lambda name=name: _hypervisor(cloud, name))
    _boot(cloud, image, network, flavor, until)


def _wait_for(what, attempt, until):
    """Return what `attempt` returns as soon as that is true and no error."""
    error = "it does not answer"
    while time.monotonic() < until:
        try:
            if found := attempt():
                return found
        except (ClientException, SDKException, OSError) as caught:
            error = str(caught)
        time.sleep(INTERVAL_SECONDS)
    raise NotReadyError(f"'{what}' is not ready: {error}")


def _refusal(cloud, service_type):
    """Return why the service's endpoint takes no connection, which openstacksdk keeps to itself."""
    url = cloud.session.get_endpoint(service_type=service_type)
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError:
        return ""
    except (OSError, ValueError) as error:
        return f"{url}: {getattr(error, 'reason', error)}"
    return ""


def _connect():
    """Return a connection once the catalog is whole.

    What a connection does not find there it never looks for again.
    """
    cloud = openstack.connect("osci", api_timeout=CALL_SECONDS)
    catalog = cloud.session.auth.get_access(cloud.session).service_catalog
    types = {service["type"] for service in catalog.catalog if service["endpoints"]}
    return cloud if types.issuperset(SERVICE_TYPES) else None


def _image(cloud, name):
    found = cloud.image.find_image(name)
    if found and found.status == "active":
        return found
    return cloud.image.create_image(
        name=name,
        data=os.urandom(65536),
        disk_format="raw",
        container_format="bare",
        visibility="public",
        validate_checksum=False,
    )


def _network(cloud, wanted):
    found = cloud.network.find_network(wanted["name"]) or cloud.network.create_network(
        name=wanted["name"],
        is_shared=True,
        provider_network_type="flat",
        provider_physical_network="physical",
    )
    if not found.subnet_ids:
        cloud.network.create_subnet(
            network_id=found.id, ip_version=4, cidr=wanted["cidr"], is_dhcp_enabled=False
        )
    return found


def _flavors(cloud, wanted):
    there = {flavor.id for flavor in cloud.compute.flavors(details=False)}
    for flavor in wanted:
        if flavor["id"] not in there:
            cloud.compute.create_flavor(**flavor)
    return wanted[0]["id"]


def _hypervisor(cloud, name):
    """Tell whether the compute is up and in a cell; nova lists no other.

    From microversion 2.88 on, nova asks each compute for its uptime here: a
    call that waits a minute for a compute that is about to come up.
    """
    answer = cloud.compute.get("/os-hypervisors/detail", microversion="2.53")
    return any(
        hypervisor["hypervisor_hostname"] == name and hypervisor["state"] == "up"
        for hypervisor in answer.json()["hypervisors"]
    )


def _boot(cloud, image, network, flavor, until):
    server = cloud.compute.create_server(
        name=SERVER, image_id=image.id, flavor_id=flavor, networks=[{"uuid": network.id}]
    )
    while server.status not in ("ACTIVE", "ERROR") and time.monotonic() < until:
        time.sleep(INTERVAL_SECONDS)
        server = cloud.compute.get_server(server.id)
    cloud.compute.delete_server(server)
    if server.status == "ERROR":
        raise NotReadyError(f"The server is in ERROR: {server.fault}")
    if server.status != "ACTIVE":
        raise NotReadyError(f"The server is still in {server.status or 'BUILD'}, not ACTIVE.")
    while any(other.id == server.id for other in cloud.compute.servers(details=False)):
        if time.monotonic() > until:
            raise NotReadyError("The server is not deleted.")
        time.sleep(INTERVAL_SECONDS)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except NotReadyError as error:
        sys.exit(str(error))
