# SPDX-License-Identifier: Apache-2.0
"""The operations that load is made of: each is a function of the stage, and checks its answers.

An operation raises CallError, or returns the seconds of its steps by name, if it has
any. What it makes it deletes, so that it finds the same cloud each time.
"""

import asyncio
import contextlib
import os
import time

from stress_cloud import CallError

PREFIX = "osci-stress"
# What osci's tester has made, see the role `tester`.
FLAVOR, IMAGE, NETWORK = "1", "osci", "public"
POLL_SECONDS = 0.2
# Of the time that something took before, it is not looked for this time.
BLIND = 0.7
# How often a server is looked at to know what that costs.
LOOKS = 10
# To build what the scenarios find, and to remove it.
PREPARE_SECONDS = 120
IMAGE_BYTES = 1 << 20
# Nova wants a key; nobody has its other half.
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEIbDGjpEaDXqsEM9Twpw/n3a77wP8t/l6sbhtR3VMgM osci"


class Stage:
    """The cloud, and what the scenarios find there: `wanted` servers of our own.

    `looks` counts how often a server was looked at in vain: that costs the cloud something
    which has nothing to do with what is measured.
    """

    def __init__(self, cloud, wanted):
        self.cloud = cloud
        self.wanted = wanted
        self.image = self.network = self.server = ""
        self.looks = 0
        self._number = 0
        self._took = {}

    async def prepare(self):
        """Look up image and network, and boot the servers."""
        self.image = await self._id("glance", f"/v2/images?name={IMAGE}", "images")
        self.network = await self._id("neutron", f"/v2.0/networks?name={NETWORK}", "networks")
        for _ in range(self.wanted):
            self.server = await create_server(self)
            await await_active(self, self.server)

    async def wait(self, what, is_done):
        """Look until it is done: not before most of the time has passed that it took before."""
        started = time.monotonic()
        await asyncio.sleep(BLIND * self._took.get(what, 0.0))
        while not await is_done():
            self.looks += 1
            await asyncio.sleep(POLL_SECONDS)
        self._took[what] = time.monotonic() - started

    async def look(self):
        """Look at a server so often that it can be told what that costs; return how often."""
        if not self.server:
            return 0
        for _ in range(LOOKS):
            await self.cloud.call("nova-api", "GET", f"/servers/{self.server}", 200)
        return LOOKS

    async def clear(self):
        """Delete whatever bears our name: an operation past its limit leaves what it made."""
        for service, path, key, delete in OURS:
            for one in await _listed(self.cloud, service, path, key):
                if str(_of(one, "name")).startswith(PREFIX):
                    await delete(self, _of(one, "id"))

    def name(self):
        """Return a name that nothing else has."""
        self._number += 1
        return f"{PREFIX}-{os.getpid()}-{self._number}"

    async def _id(self, service, path, key):
        found = await _listed(self.cloud, service, path, key)
        if not found:
            raise CallError("not prepared", f"there is nothing at {path}")
        return found[0]["id"]


@contextlib.asynccontextmanager
async def prepared(cloud, servers):
    """Yield a Stage with so many servers; raise CallError when it cannot be made or cleared."""
    stage = Stage(cloud, servers)
    try:
        async with _limited("prepare the cloud"):
            await stage.clear()
            await stage.prepare()
        yield stage
    finally:
        async with _limited("clear the cloud"):
            await stage.clear()


@contextlib.asynccontextmanager
async def _limited(what):
    try:
        async with asyncio.timeout(PREPARE_SECONDS):
            yield
    except TimeoutError as error:
        raise CallError(f"could not {what} in {PREPARE_SECONDS} s") from error


async def create_server(stage):
    """Ask for a server; return its id."""
    asked = {
        "name": stage.name(),
        "flavorRef": FLAVOR,
        "imageRef": stage.image,
        "networks": [{"uuid": stage.network}],
    }
    body = await stage.cloud.call("nova-api", "POST", "/servers", 202, {"server": asked})
    return _of(body, "server", "id")


async def await_active(stage, server):
    """Wait until the server is ACTIVE; raise CallError when it goes to ERROR."""

    async def is_active():
        body = await stage.cloud.call("nova-api", "GET", f"/servers/{server}", 200)
        status = _of(body, "server", "status")
        if status == "ERROR":
            raise CallError("the server is in ERROR", str(body["server"].get("fault")))
        return status == "ACTIVE"

    await stage.wait("active", is_active)


async def delete_server(stage, server):
    """Delete the server and wait until it is gone."""
    path = f"/servers/{server}"
    await stage.cloud.call("nova-api", "DELETE", path, 204)

    async def is_gone():
        try:
            await stage.cloud.call("nova-api", "GET", path, 404)
        except CallError as error:
            if "answered 200" not in error.kind:
                raise
            return False
        return True

    await stage.wait("gone", is_gone)


async def issue_token(stage):
    """Log in."""
    _, body = await stage.cloud.issue_token()
    _of(body, "token", "user", "id")


async def list_servers(stage):
    """List the servers' names."""
    await _listed(stage.cloud, "nova-api", "/servers", "servers", stage.wanted)


async def list_server_details(stage):
    """List the servers with all that is known of them."""
    await _listed(stage.cloud, "nova-api", "/servers/detail", "servers", stage.wanted)


async def boot_server(stage):
    """Boot a server until it is ACTIVE, and delete it until it is gone."""
    started = time.monotonic()
    server = await create_server(stage)
    await await_active(stage, server)
    active = time.monotonic()
    await delete_server(stage, server)
    return {"active": active - started, "gone": time.monotonic() - active}


async def list_images(stage):
    """List the images."""
    await _listed(stage.cloud, "glance", "/v2/images", "images", 1)


async def upload_image(stage):
    """Upload an image of 1 MiB and delete it."""
    cloud = stage.cloud
    asked = {"name": stage.name(), "disk_format": "raw", "container_format": "bare"}
    body = await cloud.call("glance", "POST", "/v2/images", 201, asked)
    path = f"/v2/images/{_of(body, 'id')}"
    await cloud.call("glance", "PUT", f"{path}/file", 204, bytes(IMAGE_BYTES))
    body = await cloud.call("glance", "GET", path, 200)
    if _of(body, "status") != "active" or _of(body, "size") != IMAGE_BYTES:
        raise CallError("the image is not active", str(body.get("status")))
    await cloud.call("glance", "DELETE", path, 204)


async def import_keypair(stage):
    """Import a key, look at it and delete it."""
    cloud, name = stage.cloud, stage.name()
    asked = {"keypair": {"name": name, "public_key": PUBLIC_KEY, "type": "ssh"}}
    await cloud.call("nova-api", "POST", "/os-keypairs", 201, asked)
    body = await cloud.call("nova-api", "GET", f"/os-keypairs/{name}", 200)
    if _of(body, "keypair", "name") != name:
        raise CallError("wrong answer", "it is another key")
    await cloud.call("nova-api", "DELETE", f"/os-keypairs/{name}", 204)


async def list_flavors(stage):
    """List the flavors with all that is known of them."""
    await _listed(stage.cloud, "nova-api", "/flavors/detail", "flavors", 1)


async def list_networks(stage):
    """List the networks."""
    await _listed(stage.cloud, "neutron", "/v2.0/networks", "networks", 1)


async def create_port(stage):
    """Create a port, look at it and delete it."""
    cloud = stage.cloud
    asked = {"port": {"name": stage.name(), "network_id": stage.network}}
    body = await cloud.call("neutron", "POST", "/v2.0/ports", 201, asked)
    path = f"/v2.0/ports/{_of(body, 'port', 'id')}"
    body = await cloud.call("neutron", "GET", path, 200)
    if _of(body, "port", "network_id") != stage.network:
        raise CallError("wrong answer", "it is another port")
    await cloud.call("neutron", "DELETE", path, 204)


OPERATIONS = {
    "flavor-list": list_flavors,
    "image-list": list_images,
    "image-upload": upload_image,
    "keypair": import_keypair,
    "network-list": list_networks,
    "port": create_port,
    "server-boot": boot_server,
    "server-detail": list_server_details,
    "server-list": list_servers,
    "token": issue_token,
}


async def _delete_image(stage, image):
    await stage.cloud.call("glance", "DELETE", f"/v2/images/{image}", 204)


async def _delete_port(stage, port):
    await stage.cloud.call("neutron", "DELETE", f"/v2.0/ports/{port}", 204)


# Where our things are listed, and what deletes one. Keys are no weight.
OURS = (
    ("nova-api", "/servers", "servers", delete_server),
    ("neutron", "/v2.0/ports", "ports", _delete_port),
    ("glance", "/v2/images", "images", _delete_image),
)


async def _listed(cloud, service, path, key, at_least=0):
    found = _of(await cloud.call(service, "GET", path, 200), key)
    if not isinstance(found, list) or len(found) < at_least:
        raise CallError("wrong answer", f"{service} lists fewer '{key}' than there are")
    return found


def _of(body, *keys):
    """Return what is in the answer under these keys; raise CallError when it is not there."""
    try:
        for key in keys:
            body = body[key]
    except (KeyError, TypeError) as error:
        raise CallError("wrong answer", f"there is no '{'.'.join(keys)}' in it") from error
    return body
