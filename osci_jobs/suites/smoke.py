# SPDX-License-Identifier: Apache-2.0
"""The suite `smoke`: boot a server, find it, change it and delete it, through every API."""

import json
from pathlib import Path

from osci_jobs.deployment.model import Suite
from osci_jobs.suites.plan import Plan, role_file

_PYTHON = "/opt/openstack/bin/python"
_GRACE_SECONDS = 10  # to delete a server that is being built takes seconds

# The calls that are sampled: method, path, a key of the body where the path is
# the same for many, operation. The first that fits counts.
CALLS = (
    ("POST", r"/auth/tokens", "", "identity.token.create"),
    ("POST", r"/os-keypairs", "", "compute.keypair.create"),
    ("GET", r"/os-keypairs/[^/]+", "", "compute.keypair.show"),
    ("DELETE", r"/os-keypairs/[^/]+", "", "compute.keypair.delete"),
    ("GET", r"/flavors(/detail)?", "", "compute.flavor.list"),
    ("GET", r"/flavors/[^/]+", "", "compute.flavor.show"),
    ("GET", r"/limits", "", "compute.limits.show"),
    ("GET", r"/v2/images", "", "image.image.list"),
    ("GET", r"/v2/images/[^/]+", "", "image.image.show"),
    ("GET", r"/networks", "", "network.network.list"),
    ("GET", r"/networks/[^/]+", "", "network.network.show"),
    ("GET", r"/ports", "", "network.port.list"),
    ("DELETE", r"/ports/[^/]+", "", "network.port.delete"),
    ("POST", r"/servers", "", "compute.server.create"),
    ("GET", r"/servers(/detail)?", "", "compute.server.list"),
    ("GET", r"/servers/[^/]+", "", "compute.server.show"),
    ("DELETE", r"/servers/[^/]+", "", "compute.server.delete_request"),
    ("POST", r"/servers/[^/]+/action", "reboot", "compute.server.reboot"),
    ("GET", r"/servers/[^/]+/metadata", "", "compute.server_metadata.list"),
    ("POST", r"/servers/[^/]+/metadata", "", "compute.server_metadata.update"),
    ("PUT", r"/servers/[^/]+/metadata", "", "compute.server_metadata.replace"),
    ("PUT", r"/servers/[^/]+/metadata/[^/]+", "", "compute.server_metadata.set"),
    ("DELETE", r"/servers/[^/]+/metadata/[^/]+", "", "compute.server_metadata.delete"),
    ("GET", r"/os-services", "", "compute.service.list"),
)

# From a request until what it asked for is there: ACTIVE, or gone.
WAITS = ("compute.server.boot", "compute.server.delete")

OPERATIONS: tuple[str, ...] = (*(operation for *_, operation in CALLS), *WAITS)


def plan(suite: Suite) -> Plan:
    """Return the plan of the smoke test with the options of the deployment."""
    settings = {
        "build_timeout": suite.options["build_timeout"],
        "calls": CALLS,
        "cloud": "osci",
        "flavor": "2",
        "image": "osci",
        "network": "public",
    }
    files: dict[str, Path | str] = {
        name: role_file(name) for name in ("smoke.py", "smoke_record.py")
    }
    files["smoke.json"] = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    return Plan((_PYTHON, "smoke.py", "smoke.json"), files, grace_seconds=_GRACE_SECONDS)


def read(directory: Path) -> None:
    """Leave what came back as it is: the suite wrote cases.jsonl and samples.csv itself."""
