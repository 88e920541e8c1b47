# SPDX-License-Identifier: Apache-2.0
"""Say in each HTTP request which service makes it, so that calls can be counted by caller.

The log of who is called cannot tell otherwise: services on one host share its
address, and most of them the name of their client library. Python starts this by
osci_calls.pth where OSCI_SERVICE is set, which units do.
"""

import http.client

HEADER = "X-Osci-Caller"


def mark(service):
    """Add the header to what this process asks, whichever client library it asks with."""
    end = http.client.HTTPConnection.endheaders

    def endheaders(connection, *arguments, **options):
        connection.putheader(HEADER, service)
        return end(connection, *arguments, **options)

    http.client.HTTPConnection.endheaders = endheaders
