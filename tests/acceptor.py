# SPDX-License-Identifier: Apache-2.0
"""A TCP server on this machine that ends with its test."""

import socket
import threading
from collections.abc import Callable


class Acceptor:
    """Gives each connection that comes to a function, on a thread, until it is closed."""

    def __init__(self, take: Callable[[socket.socket], None]):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._take = take
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._take(connection)

    def close(self):
        # It would go on to accept on whatever gets the number of the socket next.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
