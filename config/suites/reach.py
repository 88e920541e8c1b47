# SPDX-License-Identifier: Apache-2.0
"""Check that every other host of /etc/hosts answers on its ssh port; write junit.xml."""

import ipaddress
import socket
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

PORT = 22
TIMEOUT_SECONDS = 10


def main():
    """Check each host, write junit.xml, return 1 when one does not answer."""
    hosts = others(Path("/etc/hosts").read_text("utf-8"), socket.gethostname())
    results = [(name, *check(address, PORT)) for name, address in hosts.items()]
    for name, seconds, failure in results:
        print(f"{name}: {failure or 'answers'} ({seconds:.3f} s)")
    Path("junit.xml").write_bytes(junit(results))
    return 1 if any(failure for _, _, failure in results) else 0


def others(text, own_name):
    """Return the address of each host by its first name, without this one and localhost."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {
        fields[1]: fields[0]
        for fields in lines
        if len(fields) > 1 and own_name not in fields[1:] and _is_host(fields[0])
    }


def check(address, port):
    """Return the seconds until the host answered, and what went wrong or an empty text."""
    start = time.monotonic()
    try:
        with socket.create_connection((address, port), TIMEOUT_SECONDS) as connection:
            answer = connection.recv(4)
    except OSError as error:
        return time.monotonic() - start, f"no answer from {address} on port {port}: {error}"
    seconds = time.monotonic() - start
    return seconds, "" if answer == b"SSH-" else f"{address} on port {port} does not speak ssh"


def junit(results):
    """Return JUnit XML with one case for each host."""
    failures = sum(1 for _, _, failure in results if failure)
    suite = ElementTree.Element(
        "testsuite", name="reach", tests=str(len(results)), failures=str(failures), errors="0"
    )
    for name, seconds, failure in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="reach", name=name, time=f"{seconds:.3f}"
        )
        if failure:
            ElementTree.SubElement(case, "failure", message=failure)
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)


def _is_host(text):
    """Say whether the address is of a host: not loopback, multicast or link-local IPv6."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return not (address.is_loopback or address.is_multicast or address.is_reserved)


if __name__ == "__main__":
    sys.exit(main())
