# SPDX-License-Identifier: Apache-2.0
"""Wheels and releases, installed over the pinned releases in a throw-away host."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from osci_jobs import process
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.groups import complaint, confined, machine, wheel
from osci_jobs.groups.wheel import Wheel
from osci_jobs.groups.workshop import Part, Workshop

# Where the role openstack installs, and what it was told of versions.
ENVIRONMENT = "opt/openstack"
CONSTRAINTS = "opt/constraints.txt"

_PIP = f"/{ENVIRONMENT}/bin/pip"
_PINS = "pins.txt"
# Services import no tests, which are half of a project.
COMPILE = (
    *(f"/{ENVIRONMENT}/bin/python", "-m", "compileall", "-q", "-j", "2", "-x", "/tests/"),
    f"/{ENVIRONMENT}/lib/python3.11/site-packages",
)


def pins(layer: Path) -> dict[str, str]:
    """Return the version of each package that the pinned layer has, by its normal name."""
    text = (layer / CONSTRAINTS).read_text(encoding="utf-8")
    pairs = [line.split("==") for line in text.splitlines() if line and line[0] != "#"]
    return {wheel.normal(name): version for name, version in pairs}


def kept(pinned: Mapping[str, str], wheels: list[Wheel], releases: list[Part]) -> list[str]:
    """Return, as requirements, the pins that stay.

    Those of the packages that are replaced go, and those that a wheel excludes: what is
    under test may need something newer. All others are asked for by name, so that pip
    sees what each of them requires of what is new.
    """
    replaced = {wheel.normal(one.name) for one in wheels}
    replaced |= {wheel.normal(part.package) for part in releases}
    return [
        f"{name}=={version}"
        for name, version in pinned.items()
        if name not in replaced and not any(one.excludes(name, version) for one in wheels)
    ]


def install(
    workshop: Workshop,
    wheels: list[Wheel],
    releases: list[Part],
    routes: Mapping[str, str],
    directory: Path,
    lines: list[str],
) -> None:
    """Install wheels and releases at once; put what that changes below `directory`.

    Raises SourceError when they do not go together with each other or with what is
    pinned, and InfrastructureError when it is a registry's fault.
    """
    pinned = pins(workshop.lowers[0])
    with confined.host(workshop.ledger, "install", workshop.lowers, routes) as host:
        for one in wheels:
            shutil.copyfile(one.path, host.input / one.path.name)
        text = "".join(f"{line}\n" for line in kept(pinned, wheels, releases))
        (host.input / _PINS).write_text(text, encoding="utf-8")
        same = [one.name for one in wheels if pinned.get(wheel.normal(one.name)) == one.version]
        if same:
            # pip would leave alone what has the wheel's version already.
            _run(workshop, host, [_PIP, "uninstall", "--yes", *same], lines)
        command = [_PIP, "install", f"--requirement={confined.INPUT}/{_PINS}"]
        command += [f"{confined.INPUT}/{one.path.name}" for one in wheels]
        command += [f"{part.package}=={part.version}" for part in releases]
        if _run(workshop, host, command, lines):
            complaint.require_registries(confined.unreachable(host))
            raise complaint.of_installation(lines)
        # A file that is no Python of this version is none of pip's business either.
        _run(workshop, host, list(COMPILE), lines)
        _keep(host, directory, workshop.silence_seconds)


def _run(workshop: Workshop, host: confined.Host, command: list[str], lines: list[str]) -> int:
    # As root, to whom the environment belongs, and yet without any capability.
    task = confined.Task("installation", command, "root", {})
    return confined.run(workshop.ledger, host, task, workshop.silence_seconds, lines.append)


def _keep(host: confined.Host, directory: Path, silence_seconds: float) -> None:
    """Copy what the host changed of the environment, and nothing else that it left."""
    source, target = host.upper / ENVIRONMENT, directory / ENVIRONMENT
    # Nobody is there any more who could put a link in the place of what was looked at.
    if any(path.is_symlink() or not path.is_dir() for path in (source.parent, source)):
        raise SourceError(f"The installation left no directory '/{ENVIRONMENT}'.")
    target.parent.mkdir()
    output: list[str] = []
    code = process.run(
        ["cp", "--archive", str(source), str(target)],
        name="cp",
        silence_seconds=silence_seconds,
        environment=machine.ENVIRONMENT,
        on_line=output.append,
    )
    if code:
        line = output[-1] if output else f"exit code {code}"
        raise InfrastructureError(f"The layer cannot be kept: {line}", line=line)
