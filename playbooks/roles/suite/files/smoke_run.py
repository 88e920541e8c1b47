# SPDX-License-Identifier: Apache-2.0
"""What the cases of the smoke test share: the run, and the checks of what is found."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from openstack.connection import Connection
from smoke_record import CaseFailedError, Samples

POLL_SECONDS = 0.2
_LISTED = 20


@dataclass
class Made:
    """Something that was asked for; its id is unknown until the answer is there."""

    kind: str  # a key of KINDS in smoke_cleanup.py
    name: str
    id: str = ""
    delete_asked_at: float = 0.0
    delete_call: str = ""  # describes the call that asked for it


@dataclass
class Run:
    """What the cases share: the cloud, the settings, and what was found and made so far."""

    cloud: Connection
    samples: Samples
    settings: SimpleNamespace
    token: str
    made: list = field(default_factory=list)
    listed_flavor: object = None
    listed_image: object = None
    network: object = None
    flavor: object = None
    resize_flavor: object = None
    image: object = None  # what the server was built from
    key: Made = None
    server: Made = None
    snapshot: Made = None
    active_snapshot: object = None

    def make(self, kind):
        """Note something that is about to be made, so that it is deleted whatever happens."""
        made = Made(kind, f"osci-smoke-{self.token}-{kind}")
        self.made.append(made)
        return made


def check(what, found, expected):
    """Raise CaseFailedError when what was found is not what was expected."""
    if found != expected:
        raise CaseFailedError(f"The {what} is {found!r}, not {expected!r}.")


def find(what, wanted, listed):
    """Return what is `wanted`, an attribute and its value, among all that is listed."""
    attribute, value = wanted
    found = {getattr(thing, attribute): thing for thing in listed}
    if value in found:
        return found[value]
    there = ", ".join(sorted(str(one) for one in found)[:_LISTED]) or "none"
    raise CaseFailedError(f"There is no {what} '{value}'; there are: {there}.")
