# SPDX-License-Identifier: Apache-2.0
"""The runs in a directory of results: which there are, which one is meant, what became of each."""

import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from osci_jobs.errors import ConfigurationError, OsciError
from osci_jobs.results import record, runlog, store
from osci_jobs.results.escape import clip, visible_line
from osci_jobs.results.record import Record

LATEST = "latest"
# What a run without a verdict is instead.
UNDER_WAY = "under way"
UNFINISHED = "unfinished"
UNREADABLE = "unreadable"

_ID = re.compile(r"(?P<time>\d{8}T\d{6}Z)-(?P<deployment>.+)-[0-9a-f]+")
_LISTED = 5
_NAME_CHARACTERS = 80


@dataclass(frozen=True)
class Row:
    """One run of a list; "" and None for what is not known, `remedy` is what to do about it."""

    run: str  # the name of its directory
    run_directory: str
    verdict: str
    command: str = ""
    deployment: str = ""
    started: str = ""
    seconds: float | None = None
    remedy: str = ""


def found(output: Path) -> list[Path]:
    """Return the directories of the runs in `output`, the newest first; none is no trouble.

    Raises ConfigurationError when the directory cannot be read.
    """
    try:
        directories = [path for path in output.iterdir() if _is_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(
            f"The runs in '{_show(output)}' cannot be read: {error.strerror}."
        ) from error
    return sorted(directories, key=_age, reverse=True)


def find(output: Path, word: str) -> Path:
    """Return the whole path of the run that `word` means.

    That is `latest`, a directory, or a run's name or a part of one name only.
    Raises ConfigurationError when it means none or several.
    """
    there = found(output)
    if word == LATEST and there:
        return there[0].resolve()
    directory = Path(word)
    if word and _is_run(directory):
        return directory.resolve()
    names = {path.name: path for path in there}
    if word in names:
        return names[word].resolve()
    parts = [name for name in names if word in name]
    if len(parts) == 1:
        return names[parts[0]].resolve()
    raise ConfigurationError(_complaint(output, word, list(names), parts))


def is_under_way(path: Path) -> bool:
    """Tell whether the run in the directory `path` is still going on."""
    return runlog.is_open(path / store.LOG)


def require_ended(path: Path) -> None:
    """Raise ConfigurationError when the run in the directory `path` is still going on."""
    if is_under_way(path):
        raise ConfigurationError(
            f"The run '{_show(path.name)}' is still going on; it is reported when it ends."
        )


def require_result(path: Path) -> None:
    """Raise ConfigurationError when the run in the directory `path` has no result yet."""
    require_ended(path)
    if not (path / store.RUN).exists():
        raise ConfigurationError(
            f"The run '{_show(path.name)}' did not come to its end and has no result; "
            f"make it with: osci report {shlex.quote(str(path))}"
        )


def row(path: Path) -> Row:
    """Return what is known of the run in the directory `path`, whatever is in there."""
    if is_under_way(path):
        return _unfinished(path, UNDER_WAY, "")
    if not (path / store.RUN).exists():
        return _unfinished(path, UNFINISHED, f"osci report {shlex.quote(str(path))}")
    try:
        result = record.load(path / store.RUN)
    except OsciError as error:
        return Row(path.name, str(path.resolve()), UNREADABLE, remedy=str(error))
    return Row(
        run=path.name,
        run_directory=str(path.resolve()),
        verdict=result.verdict,
        command=result.command,
        deployment=result.deployment["name"],
        started=result.started,
        seconds=result.seconds,
    )


def iter_records(output: Path, deployment: str) -> Iterator[Record]:
    """Yield the records of the runs of a deployment in `output`, the newest first.

    A run whose directory is not called by its id is passed over, and so is one
    whose record cannot be read.
    """
    for path in found(output):
        match = _ID.fullmatch(path.name)
        if match is None or match["deployment"] != deployment:
            continue
        try:
            yield record.load(path / store.RUN)
        except ConfigurationError:
            continue


def _is_run(path: Path) -> bool:
    try:
        return (path / store.LOG).exists() or (path / store.RUN).exists()
    except (OSError, ValueError):
        return False


def _age(path: Path) -> tuple[str, str]:
    """Return when the run began, by its id or else by its file, and its name."""
    match = _ID.fullmatch(path.name)
    if match:
        return match["time"], path.name
    file = path / store.LOG if (path / store.LOG).exists() else path / store.RUN
    written = datetime.fromtimestamp(file.lstat().st_mtime, UTC)
    return f"{written:%Y%m%dT%H%M%SZ}", path.name


def _unfinished(path: Path, verdict: str, remedy: str) -> Row:
    """Return the row of a run without a record, by the first event of its log."""
    whole = str(path.resolve())
    try:
        start = next(runlog.iter_events(path / store.LOG), {})
    except OsciError as error:
        return Row(path.name, whole, UNREADABLE, remedy=str(error))
    return Row(
        run=path.name,
        run_directory=whole,
        verdict=verdict,
        command=start.get("command", ""),
        deployment=start.get("deployment", {}).get("name", ""),
        started=start.get("at", ""),
        remedy=remedy,
    )


def _complaint(output: Path, word: str, names: list[str], parts: list[str]) -> str:
    where = _show(output)
    if not names:
        return f"There are no runs in '{where}'; '--output' names another directory."
    if parts:
        return f"'{_show(word)}' is a part of {len(parts)} runs in '{where}': {_list(parts)}."
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"Did you mean '{_show(near[0])}'?" if near else f"The last ones are: {_list(names)}."
    return f"There is no run '{_show(word)}' in '{where}'. {hint}"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(_show, names[:_LISTED])) + more


def _show(name: str | Path) -> str:
    return clip(visible_line(str(name)), _NAME_CHARACTERS)
