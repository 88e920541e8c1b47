# SPDX-License-Identifier: Apache-2.0
"""Nova's fake compute driver, with snapshots that are images.

Nova's own uploads nothing, so that its snapshots never become active. Nova
loads drivers from its own package only, hence the place of this file.
"""

import io

from nova import exception
from nova.compute import task_states
from nova.image import glance
from nova.virt import fake

_DISK_BYTES = 64 * 1024


class Driver(fake.FakeDriverWithoutFakeNodes):
    """Servers of which no more is there than a note and a small disk."""

    def snapshot(self, context, instance, image_id, update_task_state):
        """Upload the server's disk, through the states that a real driver goes through."""
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        update_task_state(task_states.IMAGE_PENDING_UPLOAD)
        disk = f"{instance.uuid}\n".encode().ljust(_DISK_BYTES, b"\0")
        formats = {"container_format": "bare", "disk_format": "raw"}
        update_task_state(
            task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD
        )
        glance.API().update(context, image_id, formats, data=io.BytesIO(disk), purge_props=False)
