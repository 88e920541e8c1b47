# SPDX-License-Identifier: Apache-2.0
"""From a deployment file to a Deployment: read, check everything, resolve."""

import hashlib
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from ..errors import ConfigurationError
from . import (
    content,
    directory,
    document,
    hosts,
    hudson,
    job,
    limits,
    place,
    schema,
    servers,
    sources,
    suites,
    words,
)
from .document import Document
from .faults import Fault, Path, printable
from .model import Deployment, Server

Origins = dict[str, Path | str]

_NO_SERVICES = "default: none without services"


def load(deployment_directory: FilePath, name: str) -> Deployment:
    """Return the deployment that `<name>.json` in the directory describes.

    Raises ConfigurationError: one line for a file that cannot be read as
    JSON, otherwise one line for each fault of shape or meaning, by position.
    `digest` is the SHA-256 of the file.
    """
    path = directory.find(deployment_directory, name)
    data = content.read(path)
    read = document.parse(printable(str(path)), content.decode(path, data))
    faults = list(_iter_faults(read.value, path.parent))
    if faults:
        raise ConfigurationError(document.report(read, faults))
    return _resolve(name, path, hashlib.sha256(data).hexdigest(), read)


def load_all(deployment_directory: FilePath) -> list[Deployment]:
    """Return all deployments of the directory, by name.

    Raises ConfigurationError with the faults of all files, and the names of
    files that cannot be those of deployments.
    """
    found, faults = [], directory.misnamed(deployment_directory)
    for name in directory.names(deployment_directory):
        try:
            found.append(load(deployment_directory, name))
        except ConfigurationError as error:
            faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return found


def _iter_faults(value: Any, deployment_directory: FilePath) -> Iterator[Fault]:
    """Yield the faults of shape, then those of meaning in what has its shape."""
    shape = schema.check(value)
    yield from shape
    known = hosts.names(value)
    usable = schema.usable(value, shape)
    yield from hosts.check(usable)
    yield from place.check(usable, known)
    yield from words.check(usable)
    yield from servers.check(usable, known)
    yield from hudson.check(usable, known)
    yield from sources.check(usable)
    yield from suites.check(usable, deployment_directory)
    yield from limits.check(usable)
    yield from job.check(usable)


def _resolve(name: str, path: FilePath, digest: str, read: Document) -> Deployment:
    value = read.value
    machines, host_origins = hosts.resolve(value)
    source_list, source_origins = sources.resolve(value, path.parent)
    suite_list, suite_origins = suites.resolve(value, path.parent)
    limit_table, limit_origins = limits.resolve(value)
    jobs, job_origins = job.resolve(value, limit_table)
    cloud, cloud_origins = _cloud(value)
    controller, hudson_origins = hudson.resolve(value)
    origins = _own_origins(value) | host_origins | cloud_origins
    origins |= hudson_origins | source_origins | suite_origins | limit_origins | job_origins
    return Deployment(
        name=name,
        path=str(path),
        digest=digest,
        description=value.get("description", ""),
        provider=value.get("group", {}).get("provider", "netns"),
        hosts=machines,
        hudson=controller,
        sources=source_list,
        suites=suite_list,
        stress=tuple(value.get("stress", ())),
        limits=limit_table,
        job=jobs,
        origins={key: _text(read, origin) for key, origin in origins.items()},
        **cloud,
    )


def _cloud(value: dict[str, Any]) -> tuple[dict[str, Any], Origins]:
    """Return the fields of Deployment that say what OpenStack is like."""
    if not place.has_services(value):
        return _no_cloud()
    database, database_origins = servers.database(value)
    broker, broker_origins = servers.broker(value)
    services, service_origins = place.resolve(value, database.host, broker.host)
    service_origins["services.mariadb"] = database_origins["database.host"]
    service_origins["services.rabbitmq-server"] = broker_origins["broker.host"]
    scheduler, network, driver = (
        words.resolve(value, role) for role in ("scheduler", "network", "compute")
    )
    fields = {
        "services": services,
        "scheduler": scheduler[0],
        "network": network[0],
        "driver": driver[0],
        "database": database,
        "broker": broker,
        "notes": servers.notes(value),
    }
    chosen = {"scheduler": scheduler[1], "network": network[1], "driver": driver[1]}
    return fields, service_origins | chosen | database_origins | broker_origins


def _no_cloud() -> tuple[dict[str, Any], Origins]:
    empty: dict[str, Any] = {"services": {}, "scheduler": "", "network": "", "driver": ""}
    servers_none: dict[str, Server | None] = {"database": None, "broker": None}
    fields = empty | servers_none
    return fields | {"notes": ()}, dict.fromkeys(fields, _NO_SERVICES)


def _own_origins(value: dict[str, Any]) -> Origins:
    given = "provider" in value.get("group", {})
    return {
        "stress": ("stress",) if "stress" in value else "default: all scenarios",
        "description": ("description",) if "description" in value else "default",
        "provider": ("group", "provider") if given else "default",
    }


def _text(read: Document, origin: Path | str) -> str:
    return origin if isinstance(origin, str) else document.where(read, origin)
