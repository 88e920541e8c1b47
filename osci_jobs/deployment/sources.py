# SPDX-License-Identifier: Apache-2.0
"""The sources of a deployment file: where the code of each project comes from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from . import projects
from .faults import Fault, Path, show
from .model import Source
from .notation import MalformedSourceError, parse, parse_trunk
from .place import has_services


def check(value: dict[str, Any]) -> Iterator[Fault]:
    """Yield projects that are none, texts that are no sources, and sources without services."""
    entries = value.get("sources") or {}
    if entries and not has_services(value):
        yield Fault(
            ("sources",), "sources", "none, because the file places no services", at_key=True
        )
    known = projects.load().by_name if entries else {}
    for project, entry in entries.items():
        if project not in known:
            expected = "the name of a project that osci deploys"
            yield Fault(
                ("sources", project), "an unknown project", expected, project, tuple(known), True
            )
        elif entry is not None:
            yield from _check_entry(("sources", project), project, entry)


def resolve(
    value: dict[str, Any], directory: FilePath
) -> tuple[tuple[Source, ...], dict[str, Path | str]]:
    """Return the sources of a checked deployment, and where each value came from.

    The path of a checkout is relative to the directory of the deployment's file.
    """
    entries = value.get("sources", {})
    sources = tuple(
        placed(parse(project, **_words(entry)), directory)
        for project, entry in sorted(entries.items())
    )
    if not sources:
        return (), {"sources": "default: released code"}
    origins: dict[str, Path | str] = {}
    for source in sources:
        entry = entries[source.project]
        for key in ("source", "method", "trunk"):
            is_given = isinstance(entry, dict) and key in entry
            is_text = isinstance(entry, str) and key == "source"
            place: Path = ("sources", source.project, *([key] if is_given else []))
            origins[f"sources.{source.project}.{key}"] = place if is_given or is_text else "default"
    return sources, origins


def placed(source: Source, directory: FilePath) -> Source:
    """Return the source with the whole path of a checkout, which is relative to a directory."""
    if source.kind != "checkout":
        return source
    return replace(source, url=str((directory / FilePath(source.url).expanduser()).resolve()))


def described(sources: tuple[Source, ...]) -> dict[str, dict[str, str]]:
    """Return the sources by project, as a file could have them."""
    return {
        source.project: {
            "source": source.text,
            "method": source.method,
            "trunk": "@".join(part for part in (source.trunk_url, source.trunk_ref) if part),
        }
        for source in sources
    }


def _check_entry(path: Path, project: str, entry: str | dict[str, Any]) -> Iterator[Fault]:
    words = _words(entry)
    text, trunk = words["text"], words.get("trunk", "")
    try:
        if text:
            parse(project, text)
    except MalformedSourceError as error:
        yield Fault(path if isinstance(entry, str) else (*path, "source"), show(text), str(error))
    try:
        parse_trunk(trunk)
    except MalformedSourceError as error:
        yield Fault((*path, "trunk"), show(trunk), str(error))


def _words(entry: str | dict[str, Any]) -> dict[str, str]:
    """Return the arguments of `parse` that an entry has; a fault of shape is "" there."""
    if isinstance(entry, str):
        return {"text": entry}
    return {
        "text": entry.get("source") or "",
        "method": entry.get("method") or "",
        "trunk": entry.get("trunk") or "",
    }
