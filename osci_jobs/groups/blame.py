# SPDX-License-Identifier: Apache-2.0
"""Whether a registry is to blame for what pip could not do: that is never laid to the code."""

import re
from collections.abc import Iterable

from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import complaint, registries
from osci_jobs.results.escape import clip, visible_line

_TROUBLE = re.compile(
    r"timed out|Connection aborted|Connection reset|Connection broken|IncompleteRead"
    r"|too many (?:429|5\d\d) error responses|(?:429|5\d\d) (?:Client|Server) Error"
    r"|HTTP error (?:429|5\d\d)|SSLError|CERTIFICATE_VERIFY_FAILED"
)
# In pip's own words, which name no host.
_BROKEN_OFF = ("error: incomplete-download", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES")


def require_registries(lines: list[str], addresses: Iterable[str], unreachable: str) -> None:
    """Raise InfrastructureError when what failed may have failed for want of a registry.

    `lines` is what pip printed, `addresses` are those of the registries, `unreachable`
    is what their proxy says of one that it could not reach.
    """
    if unreachable:
        raise _trouble(unreachable)
    hosts = [address.rpartition(":")[0] for address in addresses]
    for line in lines:
        if line.startswith(_BROKEN_OFF) or (
            _TROUBLE.search(line) and any(host in line for host in hosts)
        ):
            raise _trouble(line.strip())
    # Of an index that fails pip says no more than of one that has nothing.
    for package in complaint.missing(lines):
        if registries.has(package):
            raise _trouble(f"the index had no '{package}', and has it now")


def _trouble(reason: str) -> InfrastructureError:
    shown = clip(visible_line(registries.blanked(reason)), 300)
    return InfrastructureError(
        f"A package registry did not answer as it should: {shown}.", line=shown
    )
