# SPDX-License-Identifier: Apache-2.0
"""The version that a project has when it is built from a commit."""

import re

# What OpenStack tags: 34.0.0, 34.0.0.0rc1, 2015.1.0b2.
_TAG = re.compile(
    r"v?(?P<release>[0-9]+(?:\.[0-9]+)*?)(?:(?P<pre>(?:\.0)?(?:a|b|rc))(?P<number>[0-9]+))?",
    re.ASCII,
)
_COMMIT_DIGITS = 12


def version(tag: str, distance: int, commit: str, pinned: str) -> str:
    """Return the version for a commit that lies `distance` commits after `tag`.

    It is pbr's, with the commit as a label: `34.0.1.dev5+g0123456789ab`. Without a tag
    it is the release that is pinned, so that what others require of it is met.
    """
    label = f"+g{commit[:_COMMIT_DIGITS]}"
    match = _TAG.fullmatch(tag)
    if not match:
        return f"{pinned or '0'}{label}"
    if not distance:
        return f"{tag.removeprefix('v')}{label}"
    return f"{_next(match)}.dev{distance}{label}"


def _next(match: re.Match[str]) -> str:
    """Return the version that comes after a tag, as pbr counts."""
    release, pre, number = match.group("release", "pre", "number")
    if pre:
        return f"{release}{pre}{int(number) + 1}"
    major, minor, patch, *_ = [*map(int, release.split(".")), 0, 0]
    return f"{major}.{minor}.{patch + 1}"
