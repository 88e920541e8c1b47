# SPDX-License-Identifier: Apache-2.0
"""A layer of projects' code and releases, over the layer of the pinned releases."""

from pathlib import Path

from osci_jobs import cache as entries
from osci_jobs.groups import image, installation, registries, transcript, wheels
from osci_jobs.groups.workshop import Part, Workshop


def place(workshop: Workshop, parts: list[Part]) -> Path:
    """Return where the layer of the parts is kept, be it there or not."""
    code, releases = _sorted(parts)
    inputs = [
        [wheels.place(workshop, part).name for part in code],
        [[part.package, part.version] for part in releases],
        [installation.REMOVE, installation.COMPILE],
    ]
    return image.layer_place(workshop.cache, workshop.lowers[0], inputs)


def layer(workshop: Workshop, parts: list[Part]) -> Path:
    """Return the layer with the parts installed, made when the cache does not have it.

    It belongs on top of the workshop's own layers. Raises SourceError when a part does
    not build, or cannot be installed together with the others or the pinned releases,
    and InfrastructureError when it is a registry's fault.
    """
    code, releases = _sorted(parts)
    with entries.claimed(place(workshop, parts)) as (directory, is_there):
        if is_there:
            return directory
        reach = registries.reach()
        built = [wheels.ensure(workshop, part, reach) for part in code]
        names = ", ".join(f"'{part.project}'" for part in [*code, *releases])
        workshop.say(f"Installing {names} into a layer.")
        aside = image.partial(workshop.ledger, directory)
        with transcript.kept(workshop.run_directory, "installation") as lines:
            installation.install(workshop, built, releases, reach, aside, lines)
        aside.rename(directory)
    return directory


def _sorted(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """Return those that are built and those that pip fetches, each by project."""
    ordered = sorted(parts, key=lambda part: part.project)
    code = [part for part in ordered if part.export]
    return code, [part for part in ordered if not part.export]
