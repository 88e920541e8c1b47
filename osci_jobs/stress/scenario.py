# SPDX-License-Identifier: Apache-2.0
"""A scenario: which load is put on the cloud, and which limits it is to keep."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osci_jobs.deployment import content, document, schema
from osci_jobs.deployment.faults import Fault, hint, printable, quoted, show
from osci_jobs.errors import ConfigurationError

SCHEMA = Path(__file__).with_name("schema.json")
# Each operation, and the service that it asks.
OPERATIONS: Mapping[str, str] = {
    "flavor-list": "nova-api",
    "image-list": "glance",
    "image-upload": "glance",
    "keypair": "nova-api",
    "network-list": "neutron",
    "port": "neutron",
    "server-boot": "nova-api",
    "server-detail": "nova-api",
    "server-list": "nova-api",
    "token": "keystone",
}
# Names become names of metrics, in which a dot stands between parts.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_RULE = "expected 1 to 40 lower-case letters, digits and '-'"
_SUFFIX = ".json"
_EITHER = "'rate' or 'concurrency', and not both"


@dataclass(frozen=True)
class Scenario:
    """A scenario, checked. One of `rate` (operations a second) and `concurrency` is None.

    `operations` has the weight of each, `limits` what makes a failing case when it is
    broken: `errors` (a share), `throughput` (operations a second), `p50` to `p99.9`
    (seconds). `ramp`, `duration` and `timeout` (of an operation) are seconds.
    """

    name: str
    description: str
    operations: Mapping[str, int]
    rate: float | None
    concurrency: int | None
    ramp: float
    duration: float
    timeout: float
    servers: int
    limits: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario of plain JSON types, without what it does not have."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def names(directory: Path) -> list[str]:
    """Return the names of the scenarios in the directory, sorted.

    Raises ConfigurationError where there is no such directory, and for names that no
    scenario can have.
    """
    try:
        found = sorted(path.stem for path in directory.iterdir() if path.suffix == _SUFFIX)
    except OSError as error:
        raise ConfigurationError(
            f"{printable(str(directory))}: The directory of scenarios cannot be read: "
            f"{error.strerror}. '--stress-config-dir' names another."
        ) from error
    wrong = [name for name in found if not _NAME.fullmatch(name)]
    if wrong:
        raise ConfigurationError(
            "\n".join(
                f"{printable(str(directory))}: {show(name)} is no name of a scenario: {_RULE}."
                for name in wrong
            )
        )
    return found


def load(directory: Path, wanted: Sequence[str], services: Collection[str]) -> tuple[Scenario, ...]:
    """Return these scenarios of the directory in their order, all by default.

    Raises ConfigurationError with the faults of all of them: of the files, and
    operations of which the deployment, which has these services, lacks the service.
    """
    known = names(directory)
    faults = [_unknown(directory, name, known) for name in wanted if name not in known]
    found: list[Scenario] = []
    for name in dict.fromkeys(name for name in wanted or known if name in known):
        try:
            found.append(_load(directory / f"{name}{_SUFFIX}", name, services))
        except ConfigurationError as error:
            faults.append(str(error))
    if not known:
        faults.append(f"{printable(str(directory))}: There is no scenario.")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(found)


def _unknown(directory: Path, name: str, known: Sequence[str]) -> str:
    where = printable(str(directory))
    advice = hint(name, known) or (f" Expected {quoted(known)}." if known else "")
    return f"{where}: There is no scenario {show(name)}.{advice}"


def _load(path: Path, name: str, services: Collection[str]) -> Scenario:
    read = document.parse(printable(str(path)), content.decode(path, content.read(path)))
    shape = schema.check(read.value, SCHEMA)
    faults = [*shape, *_iter_faults(schema.usable(read.value, shape), services)]
    if faults:
        raise ConfigurationError(document.report(read, faults))
    return _scenario(name, read.value)


def _iter_faults(value: dict[str, Any], services: Collection[str]) -> Iterator[Fault]:
    """Yield what is wrong with the meaning of what has its shape."""
    given = [key for key in ("rate", "concurrency") if key in value]
    if value and len(given) != 1:
        found = f"{quoted(given)} both" if given else "neither 'rate' nor 'concurrency'"
        yield Fault((), found.replace("' or '", "' and '"), _EITHER)
    for operation in value.get("operations") or ():
        service = OPERATIONS[operation] if operation in OPERATIONS else ""
        if service and service not in services:
            expected = f"an operation without the service '{service}', which the deployment lacks"
            yield Fault(("operations", operation), f"'{operation}'", expected, at_key=True)


def _scenario(name: str, value: dict[str, Any]) -> Scenario:
    return Scenario(
        name=name,
        description=value.get("description", ""),
        operations=value["operations"],
        rate=value.get("rate"),
        concurrency=value.get("concurrency"),
        ramp=value.get("ramp", 0),
        duration=value["duration"],
        timeout=value.get("timeout", 30),
        servers=value.get("servers", 0),
        limits=value.get("limits", {}),
    )
