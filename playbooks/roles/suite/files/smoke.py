# SPDX-License-Identifier: Apache-2.0
"""Boot a server, find it, change it and delete it, through every API.

    smoke.py FILE

FILE is JSON, see `plan` in osci_jobs/suites/smoke.py. Names and order of the
cases are Torpedo's. To add one, write its function and put it into CASES.
"""

import functools
import json
import secrets
import signal
import sys
from types import SimpleNamespace

import requests
import smoke_catalog as catalog
import smoke_cleanup as cleanup
import smoke_images as images
import smoke_servers as servers
from keystoneauth1.exceptions import ClientException
from keystoneauth1.session import Session
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import SDKException
from smoke_record import Case, Cases, Samples
from smoke_run import Run

# In Torpedo's order, but for CLEANUP, which runs whatever became of the others.
SETUP = ("servers.test_000_setup",)
SERVER = ("servers.test_001_create_server",)
RESIZE = ("servers.test_041_resize",)
IMAGE = ("servers.test_020_create_image",)
CASES = (
    Case("keypairs", "test_001_create_key_pair", catalog.create_key_pair),
    Case("stacks", "test_001_setup"),
    Case("stacks", "test_002_create_stack"),
    Case("stacks", "test_003_update_stack"),
    Case("flavors", "test_list", catalog.list_flavors),
    Case("flavors", "test_get", catalog.get_flavor, ("flavors.test_list",)),
    Case("limits", "test_list", catalog.list_limits),
    Case("images", "test_list", catalog.list_images),
    Case("images", "test_get", catalog.get_image, ("images.test_list",)),
    Case("volumes", "test_001_create_volume"),
    Case("volumes", "test_002_create_volume_snapshot"),
    Case("volumes", "test_003_del_volume_snapshot"),
    Case("servers", "test_000_setup", servers.set_up),
    Case("servers", "test_001_create_server", servers.create_server, SETUP),
    Case("servers", "test_002_delete_server_metadata_items", servers.delete_items, SERVER),
    Case("servers", "test_003_update_one_server_metadata_item", servers.update_one_item, SERVER),
    Case("servers", "test_004_update_some_server_metadata_items", servers.update_items, SERVER),
    Case("servers", "test_005_set_server_metadata_items", servers.set_items, SERVER),
    Case("servers", "test_006_clear_server_metadata", servers.clear_items, SERVER),
    Case("servers", "test_020_create_image", servers.create_image, SERVER),
    Case("servers", "test_030_rebuild", servers.rebuild, SERVER),
    Case("servers", "test_035_soft_reboot", servers.soft_reboot, SERVER),
    Case("servers", "test_036_hard_reboot", servers.hard_reboot, SERVER),
    Case("servers", "test_037_change_password", servers.change_password, SERVER),
    Case("servers", "test_040_resize_revert", servers.resize_and_revert, SERVER),
    Case("servers", "test_041_resize", servers.resize, SERVER),
    Case("servers", "test_042_resize_confirm", servers.confirm_resize, RESIZE),
    Case("servers", "test_051_delete_image_metadata_items", images.delete_items, IMAGE),
    Case("servers", "test_052_update_one_image_metadata_item", images.update_one_item, IMAGE),
    Case("servers", "test_053_update_some_image_metadata_items", images.update_items, IMAGE),
    Case("servers", "test_054_set_image_metadata_items", images.set_items, IMAGE),
    Case("servers", "test_055_clear_image_metadata", images.clear_items, IMAGE),
    Case("servers", "test_060_attach_volume"),
    Case("servers", "test_061_detach_volume"),
    Case("meters", "test_001_check_meters"),
    Case("meters", "test_002_check_compute_memory_samples"),
)
CLEANUP = Case("cleanup", "test_999_cleanup", cleanup.clean_up)


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


def main(path):
    """Run all cases and write cases.jsonl and samples.csv; return 1 when one failed."""
    with open(path, encoding="utf-8") as file:
        settings = SimpleNamespace(**json.load(file))
    with open("samples.csv", "w", encoding="utf-8", newline="") as samples_file:
        samples = Samples(samples_file, settings.calls)
        run = Run(_connect(settings.cloud, samples), samples, settings, secrets.token_hex(4))
        with open("cases.jsonl", "w", encoding="utf-8") as cases_file:
            failures = (SDKException, ClientException)
            cases = Cases(cases_file, samples, failures, settings.skips)
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


def _json(data):
    """Return the object in the body of a request, which keystoneauth has encoded already."""
    try:
        return json.loads(data)
    except (TypeError, ValueError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
