# SPDX-License-Identifier: Apache-2.0
"""Make nova's databases, say so to systemd, then map each compute as it comes up.

    nova_init.py CONFIG_FILE COMPUTE...

A server that is to be built on a host that is in no cell yet ends in ERROR,
although the host's service is up; so the hosts are mapped here, and the unit
is there until all of them are.
"""

import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, "/usr/local/lib/osci")
import forked  # noqa: E402

INTERVAL_SECONDS = 0.5
# Templates: each process reaches the cell by its own account, from its own configuration.
CELL0 = "{scheme}://{username}:{password}@{hostname}:{port}/nova_cell0"
DATABASE = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"
BROKER = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"
COMMANDS = (
    ("api_db", "sync"),
    ("cell_v2", "map_cell0", "--database_connection", CELL0),
    ("cell_v2", "create_cell", "--name", "cell1")
    + ("--database_connection", DATABASE, "--transport-url", BROKER),
    ("db", "sync"),
)


def main(config_file, computes):
    """Make the databases, then wait for the computes."""
    program = forked.load("nova-manage")

    def manage(*arguments, output=None):
        words = ["--config-file", config_file, *arguments]
        return forked.run(program, "nova-manage", words, output)

    for command in COMMANDS:
        # create_cell answers 2 when the cell is there already.
        code = manage(*command)
        if code and not (command[1] == "create_cell" and code == 2):
            sys.exit(f"nova-manage {' '.join(command[:2])} failed with exit code {code}")
    _notify(b"READY=1")
    while not _are_mapped(manage, computes):
        time.sleep(INTERVAL_SECONDS)
        manage("cell_v2", "discover_hosts")


def _are_mapped(manage, computes):
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        manage("cell_v2", "list_hosts", output=output)
        output.seek(0)
        words = output.read().split()
    return all(compute in words for compute in computes)


def _notify(message):
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.send(message)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
