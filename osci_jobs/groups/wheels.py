# SPDX-License-Identifier: Apache-2.0
"""Wheels of projects' code in the cache, each built in a throw-away host."""

import os
import shutil
from pathlib import Path

from osci_jobs import cache as entries
from osci_jobs.groups import blame, complaint, confined, image, transcript, wheel
from osci_jobs.groups.registries import Reach
from osci_jobs.groups.wheel import Wheel
from osci_jobs.groups.workshop import Part, Workshop

_TREE = "tree.tar"
# pbr packs the files that git lists, so there is a repository, without history. Its index
# has their names alone: to take their contents in would double the space that they need.
_BUILD = f"""
set -eu
cd /build
mkdir home tmp tree
tar --extract --no-same-owner --file={confined.INPUT}/{_TREE} --directory=tree
cd tree
git init --quiet --template=
git add --force --intent-to-add .
git -c user.name=osci -c user.email=osci@localhost commit --quiet --allow-empty --message=tree
exec /opt/openstack/bin/pip wheel --no-deps --use-pep517 --wheel-dir={confined.OUTPUT} .
"""
_VARIABLES = {
    "HOME": "/build/home",
    "TMPDIR": "/build/tmp",
    # There is no history that they could be made of.
    "SKIP_GENERATE_AUTHORS": "1",
    "SKIP_WRITE_GIT_CHANGELOG": "1",
}


def place(workshop: Workshop, part: Part) -> Path:
    """Return where the wheel of a part's code is kept, be it there or not."""
    layers = [lower.name for lower in workshop.lowers]
    inputs = [layers, part.package, part.version, part.tree, _BUILD, _VARIABLES]
    return workshop.cache / "wheels" / image.digest(inputs)


def ensure(workshop: Workshop, part: Part, reach: Reach) -> Wheel:
    """Return the wheel of a part's code, built when the cache does not have it.

    Raises SourceError when it does not build, InfrastructureError when that is not its
    own fault, and LimitError when the build says nothing for too long.
    """
    with entries.claimed(place(workshop, part)) as (directory, is_there):
        if not is_there:
            workshop.say(f"Building '{part.project}', version {part.version}.")
            partial = image.partial(workshop.ledger, directory)
            partial.mkdir()
            with transcript.kept(workshop.run_directory, part.project) as lines:
                _build(workshop, part, reach, partial, lines)
            partial.rename(directory)
        return wheel.find(directory, part.package)


def _build(workshop: Workshop, part: Part, reach: Reach, directory: Path, lines: list[str]) -> None:
    assert part.export, "a release is not built"
    ledger = workshop.ledger
    with confined.host(ledger, "build", workshop.lowers, reach) as host:
        part.export(host.input / _TREE)
        place = host.root / "build"
        place.mkdir()
        os.chown(place, confined.NOBODY, confined.NOBODY)
        task = confined.Task(
            f"build of {part.project}",
            ["/bin/sh", "-c", _BUILD],
            "nobody",
            {**_VARIABLES, "PBR_VERSION": part.version},
        )
        code = confined.run(ledger, host, task, workshop.silence_seconds, lines.append)
        if code:
            blame.require_registries(lines, reach.routes, confined.unreachable(host))
            raise complaint.of_build(lines, part.project, confined.refused(host))
        found = wheel.find(host.output, part.package)
        shutil.copyfile(found.path, directory / found.path.name, follow_symlinks=False)
