# SPDX-License-Identifier: Apache-2.0
"""Say in each HTTP request which service makes it, so that calls can be counted by caller.

The log of who is called cannot tell otherwise: services on one host share its address,
and most of them the name of their client library. Python imports this by osci_calls.pth,
where OSCI_SERVICE is set, which units do; it may look at such a file more than once, so
what is done here is done by importing.
"""

import http.client
import os

HEADER = "X-Osci-Caller"

_end = http.client.HTTPConnection.endheaders


def _endheaders(connection, *arguments, **options):
    connection.putheader(HEADER, os.environ["OSCI_SERVICE"])
    return _end(connection, *arguments, **options)


http.client.HTTPConnection.endheaders = _endheaders
