# SPDX-License-Identifier: Apache-2.0
"""Artifacts of Maven's repositories in the cache, fetched by Maven with this machine's settings."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from osci_jobs import cache as entries
from osci_jobs import process
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import image
from osci_jobs.groups.ledger import Ledger

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"


def ensure(
    ledger: Ledger, cache: Path, listed: Path, silence_seconds: float, say: Callable[[str], None]
) -> Path:
    """Return the directory of the artifacts that the JSON file `listed` names.

    The file maps the place of each below that directory to its `coordinates` and
    `sha256`. Raises InfrastructureError for what cannot be had or has another
    digest, and LimitError when Maven says nothing for `silence_seconds`.
    """
    text = listed.read_bytes()
    place = cache / "artifacts" / hashlib.sha256(text).hexdigest()[:16]
    with entries.claimed(place) as (directory, is_there):
        if not is_there:
            say("Fetching artifacts with Maven; this is done once.")
            partial = image.partial(ledger, directory)
            for name, artifact in json.loads(text).items():
                _fetch(partial / name, artifact, silence_seconds)
            partial.rename(directory)
    return place


def _fetch(path: Path, artifact: dict[str, str], silence_seconds: float) -> None:
    coordinates = artifact["coordinates"]
    _, name, version, kind = coordinates.split(":")
    _run_maven(
        [f"-Dartifact={coordinates}", f"-DoutputDirectory={path.parent}"],
        coordinates,
        silence_seconds,
    )
    came = path.with_name(f"{name}-{version}.{kind}")
    found = hashlib.sha256(came.read_bytes()).hexdigest()
    if found != artifact["sha256"]:
        raise InfrastructureError(
            f"The artifact '{coordinates}' has the SHA-256 {found}, expected {artifact['sha256']}."
        )
    came.rename(path)


def _run_maven(options: list[str], coordinates: str, silence_seconds: float) -> None:
    lines: list[str] = []
    code = process.run(
        ["mvn", "--batch-mode", "--no-transfer-progress", _COPY, *options],
        name="mvn",
        silence_seconds=silence_seconds,
        environment=os.environ,
        on_line=lines.append,
    )
    if code:
        errors = [line for line in lines if line.startswith("[ERROR]")] or lines[-1:]
        line = errors[0].removeprefix("[ERROR]").strip() if errors else f"exit code {code}"
        raise InfrastructureError(f"Maven could not fetch '{coordinates}': {line}", line=line)
