# SPDX-License-Identifier: Apache-2.0
"""Cases about a server: it boots, is changed in every way, and stays what it is else."""

import hashlib
import secrets
import time

from openstack.exceptions import NotFoundException
from smoke_record import CaseFailedError
from smoke_run import check, find
from smoke_wait import wait_until


def set_up(run):
    """Find what servers are made of: network, image, flavor, and the flavor to resize to."""
    compute, settings = run.cloud.compute, run.settings
    label = ("name", settings.network_label)
    run.network = find("network", label, run.cloud.network.networks())
    check("network status", run.cloud.network.get_network(run.network.id).status, "ACTIVE")
    run.image = find("image", settings.image, run.cloud.image.images())
    flavors = list(compute.flavors())
    run.flavor = find("flavor", settings.flavor, flavors)
    run.resize_flavor = find("flavor", settings.resize_flavor, flavors)


def create_server(run):
    """Boot a server: it becomes active and is what was asked for."""
    run.server = run.make("server")
    start = time.monotonic()
    run.server.id = run.cloud.compute.create_server(**_wanted(run)).id
    server = wait_until(run, "ACTIVE")
    run.samples.waited("compute.server.boot", start)
    _check_server(run, server, run.flavor)
    if run.settings.availability_zone:
        check("availability zone", server.availability_zone, run.settings.availability_zone)
    if run.settings.security_groups:
        groups = sorted({group["name"] for group in server.security_groups})
        check("security groups", groups, sorted(run.settings.security_groups))


def delete_items(run):
    """Give the server two items and delete them one by one."""
    server = _server(run)
    _set_metadata(run, {"first": "one", "second": "two"})
    server.delete_metadata_item(run.cloud.compute, "first")
    _check_metadata(run, {"second": "two"})
    server.delete_metadata_item(run.cloud.compute, "second")
    _check_metadata(run, {})


def update_one_item(run):
    """Change one of two items; the other stays."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _server(run).set_metadata_item(run.cloud.compute, "first", "1")
    _check_metadata(run, {"first": "1", "second": "two"})


def update_items(run):
    """Change one item and add another; the rest stays."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _server(run).set_metadata(run.cloud.compute, {"second": "2", "third": "3"})
    _check_metadata(run, {"first": "one", "second": "2", "third": "3"})


def set_items(run):
    """Put new items in the place of all."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _set_metadata(run, {"second": "2", "third": "3"})


def clear_items(run):
    """Put nothing in the place of all items."""
    _set_metadata(run, {"first": "one", "second": "two"})
    _set_metadata(run, {})


def create_image(run):
    """Make an image of the server: it is active, and its bytes are those that glance counted."""
    run.snapshot = run.make("image")
    start = time.monotonic()
    run.snapshot.id = _server(run).create_image(run.cloud.compute, run.snapshot.name)
    asked = run.samples.last
    _check_server(run, wait_until(run, "ACTIVE"), run.flavor)
    run.samples.waited("compute.server.snapshot", start)
    image = _snapshot(run, asked)
    check("name of the image", image.name, run.snapshot.name)
    _check_bytes(image, run.cloud.image.download_image(image.id).content)
    run.active_snapshot = image
    time.sleep(run.settings.sleep_after_image_create)


def rebuild(run):
    """Rebuild the server, from its snapshot where there is one: all else stays."""
    image = run.active_snapshot or run.image
    ask = run.cloud.compute.rebuild_server
    server = _act(run, "compute.server.rebuild", "ACTIVE", ask, image.id)
    run.image = image
    _check_server(run, server, run.flavor)


def soft_reboot(run):
    """Ask the server to reboot: it becomes active again."""
    _reboot(run, "SOFT")


def hard_reboot(run):
    """Reboot the server by force: it becomes active again."""
    _reboot(run, "HARD")


def change_password(run):
    """Change the administrator's password: the server stays active."""
    ask = run.cloud.compute.change_server_password
    server = _act(run, "compute.server.password", "ACTIVE", ask, secrets.token_hex())
    _check_server(run, server, run.flavor)


def resize_and_revert(run):
    """Resize the server and go back: it has its old flavor, on its old host."""
    before = _resize(run)
    ask = run.cloud.compute.revert_server_resize
    server = _act(run, "compute.server.resize_revert", "ACTIVE", ask)
    _check_server(run, server, run.flavor)
    check("host id", server.host_id, before.host_id)


def resize(run):
    """Resize the server: it has the other flavor and waits for a word."""
    _resize(run)


def confirm_resize(run):
    """Confirm the resize: the server is active with the other flavor."""
    ask = run.cloud.compute.confirm_server_resize
    server = _act(run, "compute.server.resize_confirm", "ACTIVE", ask)
    _check_server(run, server, run.resize_flavor)


def _wanted(run):
    """Return the arguments for the creation of the server."""
    wanted = {
        "name": run.server.name,
        "image_id": run.image.id,
        "flavor_id": run.flavor.id,
        "networks": [{"uuid": run.network.id}],
    }
    if run.key:
        wanted["key_name"] = run.key.name
    if run.settings.availability_zone:
        wanted["availability_zone"] = run.settings.availability_zone
    if run.settings.security_groups:
        wanted["security_groups"] = [{"name": name} for name in run.settings.security_groups]
    return wanted


def _server(run):
    return run.cloud.compute.get_server(run.server.id)


def _act(run, operation, status, ask, *arguments):
    """Ask for something to be done to the server; return it once it has the status."""
    start = time.monotonic()
    ask(run.server.id, *arguments)
    server = wait_until(run, status)
    run.samples.waited(operation, start)
    return server


def _check_server(run, server, flavor):
    """Check what has to be true of the server in every state."""
    check("name", server.name, run.server.name)
    check("host id", bool(server.host_id), True)
    check("image", server.image.id, run.image.id)
    check("flavor", server.flavor.original_name, flavor.name)
    for name in ("ram", "vcpus", "disk"):
        check(f"flavor's {name}", getattr(server.flavor, name), getattr(flavor, name))
    check("key", server.key_name, run.key and run.key.name)
    addresses = server.addresses.get(run.network.name, [])
    if "fixed" not in {address["OS-EXT-IPS:type"] for address in addresses}:
        raise CaseFailedError(f"The server has no fixed address in '{run.network.name}'.")


def _set_metadata(run, items):
    _server(run).replace_metadata(run.cloud.compute, items)
    _check_metadata(run, items)


def _check_metadata(run, expected):
    found = run.cloud.compute.get_server_metadata(run.server.id).metadata
    check("metadata", found, expected)


def _snapshot(run, asked):
    """Return the image that the call `asked` for; nova deletes one that it cannot make."""
    try:
        image = run.cloud.image.get_image(run.snapshot.id)
    except NotFoundException as error:
        raise CaseFailedError("The image is gone, as nova could not make it.", asked) from error
    if image.status != "active":
        raise CaseFailedError(f"The image is '{image.status}', not 'active'.", asked)
    return image


def _check_bytes(image, content):
    check("size of the image", image.size > 0, True)
    check("number of bytes", len(content), image.size)
    digest = hashlib.new(image.hash_algo, content).hexdigest()
    check(f"{image.hash_algo} of the bytes", digest, image.hash_value)


def _reboot(run, how):
    ask = run.cloud.compute.reboot_server
    server = _act(run, "compute.server.reboot", "ACTIVE", ask, how)
    _check_server(run, server, run.flavor)


def _resize(run):
    """Resize the server and return what it was before."""
    before = _server(run)
    ask = run.cloud.compute.resize_server
    server = _act(run, "compute.server.resize", "VERIFY_RESIZE", ask, run.resize_flavor.id)
    _check_server(run, server, run.resize_flavor)
    if run.settings.test_hostid_on_resize and server.host_id == before.host_id:
        raise CaseFailedError("The server has not moved to another host.")
    return before
