# SPDX-License-Identifier: Apache-2.0
"""Wheels and releases, installed over the pinned releases in a throw-away host."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from osci_jobs import process
from osci_jobs.errors import InfrastructureError, SourceError
from osci_jobs.groups import blame, complaint, confined, machine, wheel
from osci_jobs.groups.registries import Reach
from osci_jobs.groups.wheel import Wheel
from osci_jobs.groups.workshop import Part, Workshop

# Where the role openstack installs, and what it was told of versions.
ENVIRONMENT = "opt/openstack"
CONSTRAINTS = "opt/constraints.txt"

_PIP = f"/{ENVIRONMENT}/bin/pip"
_PYTHON = f"/{ENVIRONMENT}/bin/python"
_PINS = "pins.txt"
REMOVE = """
import importlib.metadata, shutil, sys
for name in sys.argv[1:]:
    files = [file.locate() for file in importlib.metadata.files(name)]
    for file in files:
        file.unlink(missing_ok=True)
    for directory in {file.parent for file in files if file.name == "METADATA"}:
        shutil.rmtree(directory)
"""
# Only what is new; and services import no tests, which are half of a project.
COMPILE = f"""
find /{ENVIRONMENT}/lib/python3.11/site-packages -mindepth 1 -maxdepth 1 \\
    -cnewer {confined.INPUT}/{_PINS} |
{_PYTHON} -m compileall -q -j 2 -x /tests/ -i -
"""


def pins(layer: Path) -> dict[str, str]:
    """Return the version of each package that the pinned layer has, by its normal name."""
    return read_pins(layer / CONSTRAINTS)


def read_pins(constraints: Path) -> dict[str, str]:
    """Return the version of each package in a list of pinned releases, by its normal name."""
    text = constraints.read_text(encoding="utf-8")
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
    reach: Reach,
    directory: Path,
    lines: list[str],
) -> None:
    """Install wheels and releases at once; put what that changes below `directory`.

    Raises SourceError when they do not go together with each other or with what is
    pinned, and InfrastructureError when it is a registry's fault.
    """
    pinned = pins(workshop.lowers[0])
    with confined.host(workshop.ledger, "install", workshop.lowers, reach) as host:
        for one in wheels:
            shutil.copyfile(one.path, host.input / one.path.name)
        text = "".join(f"{line}\n" for line in kept(pinned, wheels, releases))
        (host.input / _PINS).write_text(text, encoding="utf-8")
        names = [wheel.normal(one.name) for one in wheels]
        names += [wheel.normal(part.package) for part in releases]
        _remove(workshop, host, [name for name in names if name in pinned], lines)
        command = [_PIP, "install", f"--requirement={confined.INPUT}/{_PINS}"]
        command += [f"{confined.INPUT}/{one.path.name}" for one in wheels]
        command += [f"{part.package}=={part.version}" for part in releases]
        if _run(workshop, host, command, lines):
            blame.require_registries(lines, reach.routes, confined.unreachable(host))
            refused = confined.refused(host)
            raise complaint.of_installation(lines, names, pinned, refused)
        # A file that is no Python of this version is none of pip's business either.
        _run(workshop, host, ["/bin/sh", "-c", COMPILE], lines)
        _keep(host, directory, workshop.silence_seconds)


def _remove(workshop: Workshop, host: confined.Host, names: list[str], lines: list[str]) -> None:
    """Take the pinned releases of packages away, in a tenth of the time that pip needs.

    pip would copy each file up from the layer below before it removes it. And it would
    leave alone what has the version of the wheel that is to come.
    """
    if names and _run(workshop, host, [_PYTHON, "-c", REMOVE, *names], lines):
        raise InfrastructureError("The pinned releases cannot be removed.", line=lines[-1])


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
    for path in (directory, target.parent):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    for command in (
        ["cp", "--archive", str(source), str(target)],
        # On this machine they would be a stranger's way to become root.
        ["find", str(target), "-type", "f", "-perm", "/6000", "-exec", "chmod", "ug-s", "{}", "+"],
    ):
        _call(command, silence_seconds)


def _call(command: list[str], silence_seconds: float) -> None:
    output: list[str] = []
    code = process.run(
        command,
        name=command[0],
        silence_seconds=silence_seconds,
        environment=machine.ENVIRONMENT,
        on_line=output.append,
    )
    if code:
        line = output[-1] if output else f"exit code {code}"
        raise InfrastructureError(f"The layer cannot be kept: {line}", line=line)
