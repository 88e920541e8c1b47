# SPDX-License-Identifier: Apache-2.0
"""Connect this machine with the Hudson of a group, until it is ended.

    gateway.py SSH_CONFIG HOST PAGE_PORT AGENT_SOCKET COMMAND...

One ssh connection is kept, by which 127.0.0.1:PAGE_PORT here is the Hudson's
page, and 127.0.0.1:9000 over there is AGENT_SOCKET here. Each connection to that
socket, which is how the Hudson starts its agent, gets COMMAND as its other end.

A program of its own (standard library only), for it outlives the command that
starts it. Its control group ends it, with the agent and all builds.
"""

import socket
import subprocess
import sys
import threading
import time

PAGE_PORT = 8080  # of the Hudson, on its host
AGENT_PORT = 9000
_RETRY_SECONDS = 1


def main(config: str, host: str, page_port: str, path: str, *command: str) -> None:
    """Keep the connection and serve the socket for good."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        threading.Thread(
            target=_keep_connected, args=(config, host, page_port, path), daemon=True
        ).start()
        while True:
            connection, _ = server.accept()
            with connection:
                subprocess.Popen(command, stdin=connection.fileno(), stdout=connection.fileno())


def _keep_connected(config: str, host: str, page_port: str, path: str) -> None:
    page = f"127.0.0.1:{page_port}:127.0.0.1:{PAGE_PORT}"
    agent = f"127.0.0.1:{AGENT_PORT}:{path}"
    # A machine under load answers late, and nobody but its group ends a host.
    options = ["-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=0"]
    while True:
        subprocess.call(["ssh", "-F", config, "-N", *options, "-L", page, "-R", agent, host])
        time.sleep(_RETRY_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
