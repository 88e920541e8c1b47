# SPDX-License-Identifier: Apache-2.0
"""Serve a table until standard input is closed."""

import json
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from lazr.restful.interfaces import IWebServiceConfiguration
from lazr.restful.wsgi import WSGIApplication
from zope.component import getUtility

from launchpad.service import content

HOST = "127.0.0.1"


class Quiet(WSGIRequestHandler):
    """Keeps no log."""

    def log_message(self, *_):
        pass


def main(table: str) -> None:
    content.load(json.loads(table))
    server = make_server(HOST, 0, WSGIApplication, handler_class=Quiet)
    WSGIApplication.configure_server(HOST, server.server_port, "launchpad.service")
    assert getUtility(IWebServiceConfiguration).port == server.server_port
    print(f"http://{HOST}:{server.server_port}/", flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    server.serve_forever()


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
