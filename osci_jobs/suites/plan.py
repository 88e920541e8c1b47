# SPDX-License-Identifier: Apache-2.0
"""What a suite runs on the tester, packed to be taken there."""

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from osci_jobs import data
from osci_jobs.deployment.model import Limit
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.suites.fetched import ARCHIVE_BYTES, MEMBERS

# Of what the command prints, so many bytes are kept: head and tail, half and half.
OUTPUT_BYTES = 2 * 1024 * 1024

# What is written beside the files of the plan, which can have no such name.
RESERVED = ("suite.json", "output.log", "outcome.json", "output.tar")

# The services of a deployment by unit, with the hosts of each.
Services = Mapping[str, Sequence[str]]

_ROLE_FILES = data.directory() / "playbooks" / "roles" / "suite" / "files"
_RUNNER = "usr/local/lib/osci/run_suite.py"
_SUITES = "var/lib/osci/suites"


@dataclass(frozen=True)
class Plan:
    """A command, and the files that are in its working directory when it starts.

    `files` maps the name of each to its content or to a file or directory of
    this machine. `collect` are patterns of what is brought back, below
    `collected/`, besides cases.jsonl, samples.csv and attachments/. At a limit
    the command has `grace_seconds` to clean up.
    """

    command: tuple[str, ...]
    files: Mapping[str, Path | str]
    collect: tuple[str, ...] = ()
    grace_seconds: float = 1


def role_file(name: str) -> Path:
    """Return the path of a program that comes with osci for the tester."""
    return _ROLE_FILES / name


def digest(plan: Plan) -> str:
    """Return a digest of what the plan runs: its command, its files, and what runs them."""
    parts: list[str] = [*plan.command, *plan.collect, _sha256(role_file("run_suite.py"))]
    for name, source in sorted(plan.files.items()):
        parts += [name, *([source] if isinstance(source, str) else _contents(source))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def pack(plan: Plan, suite_name: str, limit: Limit, archive: Path) -> None:
    """Write a tar to `archive` that is unpacked at the root of the tester; safe to repeat.

    It holds the plan's files and suite.json in the suite's directory, and the
    program that reads suite.json. Symbolic links in a directory stay links;
    what is neither file, directory nor link is left out. Raises
    ConfigurationError for files that cannot be taken.
    """
    directory = f"{_SUITES}/{suite_name}"
    try:
        # GNU's format keeps names that are no UTF-8 as they are.
        with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
            _add_path(tar, _RUNNER, role_file("run_suite.py"))
            _add_text(tar, f"{directory}/suite.json", _settings(plan, limit))
            for name, source in plan.files.items():
                _add(tar, f"{directory}/{name}", source)
    except OSError as error:
        raise InfrastructureError(
            f"The files of the suite '{suite_name}' could not be packed: {error}."
        ) from error


def _contents(path: Path) -> list[str]:
    """Return name and digest of each file at or below the path; what cannot be read has none."""
    if not path.is_dir():
        return [_sha256(path)]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return [text for file in files for text in (str(file.relative_to(path)), _sha256(file))]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _settings(plan: Plan, limit: Limit) -> str:
    settings = {
        "archive_bytes": ARCHIVE_BYTES,
        "archive_members": MEMBERS,
        "collect": plan.collect,
        "command": plan.command,
        "grace_seconds": plan.grace_seconds,
        "output_bytes": OUTPUT_BYTES,
        "seconds": limit.seconds,
        "silence_seconds": limit.silence_seconds,
    }
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def _add(tar: tarfile.TarFile, name: str, source: Path | str) -> None:
    if isinstance(source, str):
        _add_text(tar, name, source)
        return
    try:
        # The name that the file gave may be that of a link, which leads nowhere on the tester.
        _add_path(tar, name, source.resolve(strict=True))
    except OSError as error:
        at = error.filename or source
        raise ConfigurationError(f"'{at}' cannot be copied: {error.strerror or error}.") from error


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _add_path(tar: tarfile.TarFile, name: str, source: Path) -> None:
    tar.add(source, name, filter=_owned_by_root)


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode &= stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
    return member
