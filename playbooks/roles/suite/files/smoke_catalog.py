# SPDX-License-Identifier: Apache-2.0
"""Cases about what there is before a server is: keypairs, flavors, limits, images."""

from smoke_record import CaseFailedError
from smoke_run import check, find


def create_key_pair(run):
    """Make a keypair and read it back."""
    key = run.make("keypair")
    made = run.cloud.compute.create_keypair(name=key.name)
    check("private key", bool(made.private_key), True)
    key.id = made.id
    run.key = key
    found = run.cloud.compute.get_keypair(key.id)
    check("fingerprint", found.fingerprint, made.fingerprint)


def list_flavors(run):
    """Find the flavor among all."""
    run.listed_flavor = find("flavor", run.settings.flavor, run.cloud.compute.flavors())


def get_flavor(run):
    """Read the flavor: it is what the list said."""
    found = run.cloud.compute.get_flavor(run.listed_flavor.id)
    for name in ("name", "ram", "vcpus", "disk"):
        check(name, getattr(found, name), getattr(run.listed_flavor, name))


def list_limits(run):
    """Read the limits: they are numbers."""
    limits = run.cloud.compute.get_limits().absolute
    for name in ("instances", "instances_used", "total_cores", "total_ram"):
        if not isinstance(getattr(limits, name), int):
            raise CaseFailedError(f"The limit '{name}' is {getattr(limits, name)!r}, not a number.")


def list_images(run):
    """Find the image among all."""
    run.listed_image = find("image", run.settings.image, run.cloud.image.images())


def get_image(run):
    """Read the image: it is what the list said, and can be booted."""
    found = run.cloud.image.get_image(run.listed_image.id)
    check("name", found.name, run.listed_image.name)
    check("size", found.size, run.listed_image.size)
    check("status", found.status, "active")
