# SPDX-License-Identifier: Apache-2.0
"""A wheel that a stranger's code made of itself: looked at here, installed in a host."""

import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from osci_jobs.errors import SourceError
from osci_jobs.results import files
from osci_jobs.results.escape import clip, visible_line

# nova's has 6 MiB and 4,300 files.
WHEEL_BYTES = 256 << 20
UNPACKED_BYTES = 2 << 30
ENTRIES = 100_000
_ENTRY_BYTES = 200  # in the list at an archive's end
_METADATA_BYTES = 4 << 20
_REQUIREMENTS = 1000
_REQUIREMENT_CHARACTERS = 1000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# NotImplementedError, for a version of the format that nobody has, is a RuntimeError.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
# The Python of Debian 12, which all hosts have.
_ENVIRONMENT = {"extra": "", "python_version": "3.11", "python_full_version": "3.11.2"}

# The last record of an archive, and before it that of one with more than 65,535 entries.
_END = struct.Struct("<4s4H2IH")
_END_MARK = b"PK\x05\x06"
_LARGE = struct.Struct("<4sIQI")
_LARGE_MARK = b"PK\x06\x07"


@dataclass(frozen=True)
class Wheel:
    """A wheel on disk; `requirements` are what its metadata asks for, extras included."""

    path: Path
    name: str
    version: str
    requirements: tuple[Requirement, ...]

    def excludes(self, package: str, version: str) -> bool:
        """Tell whether it requires another version of a package than this one."""
        return any(
            normal(one.name) == normal(package)
            and not one.specifier.contains(version, prereleases=True)
            and _applies(one)
            for one in self.requirements
        )


def normal(name: str) -> str:
    """Return the one spelling of a package's name, by PEP 503."""
    return str(canonicalize_name(name))


def find(directory: Path, package: str) -> Wheel:
    """Return the one wheel of `package` that a stranger left in `directory`.

    Raises SourceError for anything else in it, and for a wheel that is not sound.
    """
    names = sorted(path.name for path in directory.iterdir())
    if len(names) != 1:
        shown = clip(visible_line(", ".join(names[:3])), 100) or "nothing"
        raise SourceError(f"The build of '{package}' left {shown} instead of one wheel.")
    return read(directory / names[0], package)


def read(path: Path, package: str) -> Wheel:
    """Return what a stranger's wheel of `package` says of itself.

    Raises SourceError for a file that is no wheel of it, and for one that is too large
    or would be unpacked elsewhere.
    """
    shown = clip(visible_line(path.name), 100)
    name, version = _named(path.name)
    if normal(name) != normal(package):
        raise _unsound(shown, f"it is not of '{package}'")
    try:
        with files.open_regular(path) as file:
            metadata = _metadata(file, name, version, shown)
    except OSError as error:
        raise _unsound(shown, error.strerror or "it cannot be read") from error
    return Wheel(path, name, version, _requirements(metadata, name, version, shown))


def _applies(requirement: Requirement) -> bool:
    """Tell whether a requirement is one in the hosts; of a marker that makes no sense, yes."""
    try:
        return requirement.marker is None or requirement.marker.evaluate(_ENVIRONMENT)
    except ValueError:
        return True


def _named(name: str) -> tuple[str, str]:
    """Return name and version as a wheel's file name has them."""
    try:
        parse_wheel_filename(name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise _unsound(clip(visible_line(name), 100), "its name is malformed") from error
    package, version, *_ = name.split("-")
    return package, version


def _metadata(file: BinaryIO, name: str, version: str, shown: str) -> bytes:
    _require_bounds(file, shown)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _require_safe(entries, shown)
            wanted = f"{name}-{version}.dist-info/METADATA"
            found = [entry for entry in entries if entry.filename == wanted]
            if len(found) != 1:
                raise _unsound(shown, f"it has {len(found)} files '{wanted}', expected one")
            with archive.open(found[0]) as member:
                return member.read(_METADATA_BYTES)
    except _BROKEN as error:
        raise _unsound(shown, "it is no sound archive") from error


def _require_bounds(file: BinaryIO, shown: str) -> None:
    """Raise SourceError for an archive whose very list of files would be too much to read."""
    size = file.seek(0, 2)
    if not _END.size <= size <= WHEEL_BYTES:
        raise _unsound(shown, f"it has {size} bytes, expected {WHEEL_BYTES} at most")
    file.seek(max(0, size - _END.size - _LARGE.size))
    tail = file.read()
    mark, *_, entries, listed, _, _ = _END.unpack(tail[-_END.size :])
    if mark != _END_MARK or tail.startswith(_LARGE_MARK):
        raise _unsound(shown, "it does not end as a wheel does")
    if entries > ENTRIES or listed > ENTRIES * _ENTRY_BYTES:
        raise _unsound(shown, f"it has more than {ENTRIES} files")


def _require_safe(entries: list[zipfile.ZipInfo], shown: str) -> None:
    total = 0
    for entry in entries:
        path, mode = entry.filename, entry.external_attr >> 16
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
            raise _unsound(shown, f"the path '{clip(visible_line(path), 100)}' leads out of it")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _unsound(shown, f"'{clip(visible_line(path), 100)}' is not a regular file")
        if entry.compress_type not in _METHODS:
            raise _unsound(shown, "it is packed in an unusual way")
        total += entry.file_size
    if total > UNPACKED_BYTES:
        raise _unsound(shown, f"unpacked it has more than {UNPACKED_BYTES >> 20} MiB")


def _requirements(data: bytes, name: str, version: str, shown: str) -> tuple[Requirement, ...]:
    raw, _ = parse_email(data)
    if normal(raw.get("name", "")) != normal(name):
        raise _unsound(shown, "its metadata names another package")
    try:
        is_same = Version(raw.get("version", "")) == Version(version)
    except InvalidVersion as error:
        raise _unsound(shown, "the version in its metadata is malformed") from error
    if not is_same:
        raise _unsound(shown, "its metadata names another version")
    texts = raw.get("requires_dist", [])
    if len(texts) > _REQUIREMENTS or any(len(text) > _REQUIREMENT_CHARACTERS for text in texts):
        raise _unsound(shown, "it requires too much")
    try:
        return tuple(Requirement(text) for text in texts)
    except InvalidRequirement as error:
        reason = clip(visible_line(str(error).partition("\n")[0]), 200)
        raise _unsound(shown, f"a requirement is malformed: {reason}") from error


def _unsound(shown: str, reason: str) -> SourceError:
    return SourceError(f"The wheel '{shown}' is not installed: {reason}.", line=reason)
