# SPDX-License-Identifier: Apache-2.0
"""The suite `smoke`: boot a server, find it, change it and delete it, through every API."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from osci_jobs.deployment.model import Suite
from osci_jobs.suites.plan import Plan, Services, role_file

_PYTHON = "/opt/openstack/bin/python"
_PROGRAMS = (
    "smoke.py",
    "smoke_catalog.py",
    "smoke_cleanup.py",
    "smoke_images.py",
    "smoke_record.py",
    "smoke_run.py",
    "smoke_servers.py",
    "smoke_wait.py",
)
_GRACE_SECONDS = 10  # to delete a server that is being built takes seconds

# The options of which a case needs every one to be on.
SWITCHES = {
    "keypairs.test_001_create_key_pair": ("keypairs",),
    "limits.test_list": ("test_limits",),
    "servers.test_020_create_image": ("test_create_image",),
    "servers.test_030_rebuild": ("test_rebuild_server",),
    "servers.test_035_soft_reboot": ("test_soft_reboot_server",),
    "servers.test_036_hard_reboot": ("test_hard_reboot_server",),
    "servers.test_037_change_password": ("test_admin_password",),
    "servers.test_040_resize_revert": ("test_resize_server", "test_revert_resize_server"),
    "servers.test_041_resize": ("test_resize_server",),
    "servers.test_042_resize_confirm": ("test_resize_server",),
    "servers.test_051_delete_image_metadata_items": ("test_create_image",),
    "servers.test_052_update_one_image_metadata_item": ("test_create_image",),
    "servers.test_053_update_some_image_metadata_items": ("test_create_image",),
    "servers.test_054_set_image_metadata_items": ("test_create_image",),
    "servers.test_055_clear_image_metadata": ("test_create_image",),
}

# The service that a case needs. No deployment can have one of these yet, so
# the schema refuses their options and the cases have no function.
NEEDED_SERVICES = {
    "stacks.test_001_setup": "orchestration",
    "stacks.test_002_create_stack": "orchestration",
    "stacks.test_003_update_stack": "orchestration",
    "volumes.test_001_create_volume": "volume",
    "volumes.test_002_create_volume_snapshot": "volume",
    "volumes.test_003_del_volume_snapshot": "volume",
    "servers.test_060_attach_volume": "volume",
    "servers.test_061_detach_volume": "volume",
    "meters.test_001_check_meters": "telemetry",
    "meters.test_002_check_compute_memory_samples": "telemetry",
}
UNITS = {"orchestration": "heat-api", "telemetry": "ceilometer-agent", "volume": "cinder-api"}

# The calls that are sampled: method, path, a key of the body where the path is
# the same for many, operation. The first that fits counts.
CALLS = (
    ("POST", r"/auth/tokens", "", "identity.token.create"),
    ("POST", r"/os-keypairs", "", "compute.keypair.create"),
    ("GET", r"/os-keypairs", "", "compute.keypair.list"),
    ("GET", r"/os-keypairs/[^/]+", "", "compute.keypair.show"),
    ("DELETE", r"/os-keypairs/[^/]+", "", "compute.keypair.delete"),
    ("GET", r"/flavors(/detail)?", "", "compute.flavor.list"),
    ("GET", r"/flavors/[^/]+", "", "compute.flavor.show"),
    ("GET", r"/limits", "", "compute.limits.show"),
    ("GET", r"/v2/images", "", "image.image.list"),
    ("GET", r"/v2/images/[^/]+", "", "image.image.show"),
    ("GET", r"/v2/images/[^/]+/file", "", "image.image.download"),
    ("PATCH", r"/v2/images/[^/]+", "", "image.image.update"),
    ("DELETE", r"/v2/images/[^/]+", "", "image.image.delete"),
    ("GET", r"/networks", "", "network.network.list"),
    ("GET", r"/networks/[^/]+", "", "network.network.show"),
    ("GET", r"/ports", "", "network.port.list"),
    ("DELETE", r"/ports/[^/]+", "", "network.port.delete"),
    ("POST", r"/servers", "", "compute.server.create"),
    ("GET", r"/servers(/detail)?", "", "compute.server.list"),
    ("GET", r"/servers/[^/]+", "", "compute.server.show"),
    ("DELETE", r"/servers/[^/]+", "", "compute.server.delete_request"),
    ("POST", r"/servers/[^/]+/action", "createImage", "compute.server.snapshot_request"),
    ("POST", r"/servers/[^/]+/action", "rebuild", "compute.server.rebuild_request"),
    ("POST", r"/servers/[^/]+/action", "reboot", "compute.server.reboot_request"),
    ("POST", r"/servers/[^/]+/action", "changePassword", "compute.server.password_request"),
    ("POST", r"/servers/[^/]+/action", "resize", "compute.server.resize_request"),
    ("POST", r"/servers/[^/]+/action", "revertResize", "compute.server.resize_revert_request"),
    ("POST", r"/servers/[^/]+/action", "confirmResize", "compute.server.resize_confirm_request"),
    ("GET", r"/servers/[^/]+/metadata", "", "compute.server_metadata.list"),
    ("POST", r"/servers/[^/]+/metadata", "", "compute.server_metadata.update"),
    ("PUT", r"/servers/[^/]+/metadata", "", "compute.server_metadata.replace"),
    ("PUT", r"/servers/[^/]+/metadata/[^/]+", "", "compute.server_metadata.set"),
    ("DELETE", r"/servers/[^/]+/metadata/[^/]+", "", "compute.server_metadata.delete"),
    ("GET", r"/os-services", "", "compute.service.list"),
)

# From a request until what it asked for is there: ACTIVE, VERIFY_RESIZE, or gone.
WAITS = (
    "compute.server.boot",
    "compute.server.snapshot",
    "compute.server.rebuild",
    "compute.server.reboot",
    "compute.server.password",
    "compute.server.resize",
    "compute.server.resize_revert",
    "compute.server.resize_confirm",
    "compute.server.delete",
)

OPERATIONS: tuple[str, ...] = (*(operation for *_, operation in CALLS), *WAITS)


def plan(suite: Suite, services: Services) -> Plan:
    """Return the plan of the smoke test with the options of the deployment.

    Beside the options, smoke.json holds `calls`, `cloud`, the reasons of
    `skips` by case, and how to know `image`, `flavor` and `resize_flavor`: an
    attribute and its value.
    """
    options = suite.options
    settings = {
        **options,
        "calls": CALLS,
        "cloud": "osci",
        "flavor": _known_by(options, "flavor_ref", "flavor_name"),
        "image": _known_by(options, "image_ref", "image_name"),
        "resize_flavor": _known_by(options, "flavor_ref_resize", "flavor_name_resize"),
        "skips": dict(_iter_skips(options, services)),
    }
    files: dict[str, Path | str] = {name: role_file(name) for name in _PROGRAMS}
    files["smoke.json"] = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    return Plan((_PYTHON, "smoke.py", "smoke.json"), files, grace_seconds=_GRACE_SECONDS)


def read(directory: Path) -> None:
    """Leave what came back as it is: the suite wrote cases.jsonl and samples.csv itself."""


def _known_by(options: Mapping[str, Any], by_id: str, by_name: str) -> tuple[str, str]:
    return ("id", options[by_id]) if by_id in options else ("name", options[by_name])


def _iter_skips(options: Mapping[str, Any], services: Services) -> Iterator[tuple[str, str]]:
    """Yield each case that is not to run, and why."""
    for case, switches in SWITCHES.items():
        off = [switch for switch in switches if not options[switch]]
        if off:
            yield case, f"It is switched off by '{off[0]}'."
    for case, service in NEEDED_SERVICES.items():
        if UNITS[service] not in services:
            yield case, f"The deployment has no {service} service."
