# SPDX-License-Identifier: Apache-2.0
"""Repositories served by git itself."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path


class Daemon:
    """`git daemon` of the repositories below a directory, on this machine's loopback."""

    def __init__(self, directory: Path):
        self.port = free_port()
        self._process = subprocess.Popen(
            [
                *("git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"),
                *(f"--port={self.port}", f"--base-path={directory}", str(directory)),
            ],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        self.url = f"git://127.0.0.1:{self.port}"
        self._wait()

    def _wait(self):
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until, "git daemon did not start"
                time.sleep(0.05)

    def close(self):
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(10)


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
