# SPDX-License-Identifier: Apache-2.0
"""Checks of what a deployment asks of this machine."""

from osci_jobs.deployment import Deployment
from osci_jobs.doctor.answer import OK, TROUBLE, Answer, Places
from osci_jobs.doctor.machine import available_bytes, packages_for
from osci_jobs.run import steps


def hosts(_places: Places, deployment: Deployment) -> Answer:
    """Return whether the memory that the hosts are given is there."""
    asked = sum(host.memory_bytes or 0 for host in deployment.hosts)
    available = available_bytes()
    sizes = f"{asked >> 20} MiB of memory; {available >> 20} MiB are available"
    if asked > available:
        return Answer(
            TROUBLE,
            f"The hosts of '{deployment.name}' may use {sizes}.",
            "Lower hardware.memory in the file, or use a machine with more memory.",
        )
    if not asked:
        return Answer(OK, f"'{deployment.name}' does not say how much memory its hosts need.")
    return Answer(OK, f"The hosts of '{deployment.name}' may use {sizes}.")


def layers(places: Places, deployment: Deployment) -> Answer:
    """Return whether what lies below the hosts is made already."""
    missing = [path for path in steps.layers(places.cache, deployment) if not path.is_dir()]
    if not missing:
        return Answer(OK, "The cache has all that lies below the hosts.")
    kinds = " and ".join(sorted(path.parent.name.removesuffix("s") for path in missing))
    return Answer(OK, f"The next run makes the {kinds} of the hosts, in some minutes.")


def programs(_places: Places, deployment: Deployment) -> Answer:
    """Return whether this machine has what the software of the deployment needs besides."""
    return packages_for(deployment.software)
