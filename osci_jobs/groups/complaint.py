# SPDX-License-Identifier: Apache-2.0
"""What pip says of code that it cannot build or install, as an error of the source."""

import re
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from osci_jobs.errors import SourceError
from osci_jobs.groups import wheel
from osci_jobs.results.escape import clip, visible_line

_LINE_CHARACTERS = 300
_SHOWN_LINES = 6
# How pip shows what a program printed that it started.
_START = re.compile(r"\s*╰─> \[\d+ lines? of output\]")
_END = "[end of output]"
_ERRORS = ("ERROR: ", "error: ", "× ")
# Python's own line of where it was; what follows it up to the end is the error.
_PLACE = re.compile(r"\s*File \".*\", line \d+")

_CAUSES = "The conflict is caused by:"
_REQUIRES = re.compile(r"    (?P<who>\S+ \S+) depends on (?P<wanted>(?P<package>[\w.-]+).*)")
_ASKED = re.compile(
    r"    The user requested (?:\(constraint\) )?(?P<wanted>(?P<package>[\w.-]+).*?)"
    r"(?: \(from .*\))?"
)
_MISSING = re.compile(
    r"\s*ERROR: No matching distribution found for (?P<wanted>(?P<package>[\w.-]+)[^()]*?)"
    r"(?: \(from (?P<who>.*)\))?"
)


@dataclass(frozen=True)
class _Cause:
    """What is required of a package; `who` requires it, "" when it is pinned or asked for."""

    package: str
    wanted: str
    who: str


def of_build(lines: list[str], project: str, refused: Collection[str]) -> SourceError:
    """Return the error for code that did not build; `refused` is what it was not to reach."""
    return _failure(lines, f"'{project}' does not build.", refused)


def of_installation(
    lines: list[str], names: Collection[str], pinned: Mapping[str, str], refused: Collection[str]
) -> SourceError:
    """Return the error for packages that could not be installed together.

    `names` are those under test, `pinned` the versions of the pinned layer, by normal names.
    """
    for sentence in (_conflict(lines, names, pinned), _absence(lines, pinned)):
        if sentence:
            return SourceError(sentence, line=sentence)
    listed = ", ".join(f"'{name}'" for name in names)
    return _failure(lines, f"{listed} cannot be installed.", refused)


def missing(lines: list[str]) -> list[str]:
    """Return the packages of which pip found no version at all, none that was left out."""
    if any("Ignored the following" in line for line in lines):
        return []
    nothing = " ".join(line for line in lines if "(from versions: none)" in line)
    found = [match["package"] for match in map(_MISSING.fullmatch, lines) if match]
    return [package for package in dict.fromkeys(found) if package in nothing]


def _failure(lines: list[str], sentence: str, refused: Collection[str]) -> SourceError:
    shown = _failing(lines) or ["It said nothing."]
    # What explains an error is indented below it.
    line = [one for one in shown if one[:1] != " "][-1]
    tried = ", ".join(f"'{_shown(address)}'" for address in refused)
    hint = f" It tried to reach {tried}, and may reach package registries only." if tried else ""
    return SourceError("\n".join([*shown, sentence + hint]), line=line)


def _failing(lines: list[str]) -> list[str]:
    """Return the last error of an output, from where Python says it was."""
    block = [line.rstrip() for line in _block(lines) if line.strip()]
    tail = block[-_SHOWN_LINES:]
    places = [number for number, line in enumerate(tail) if _PLACE.match(line)]
    tail = tail[places[-1] :] if places else tail[-1:]
    dedented = textwrap.dedent("\n".join(tail)).split("\n") if tail else []
    return [_shown(line) for line in dedented]


def _block(lines: list[str]) -> list[str]:
    """Return what the program printed that failed below pip, else pip's own errors."""
    ends = [number for number, line in enumerate(lines) if line.strip() == _END]
    starts = [number for number, line in enumerate(lines) if _START.fullmatch(line)]
    if ends and starts and starts[-1] < ends[-1]:
        return lines[starts[-1] + 1 : ends[-1]]
    return [line for line in lines if line.startswith(_ERRORS)] or lines


def _conflict(lines: list[str], names: Collection[str], pinned: Mapping[str, str]) -> str:
    """Return the sentence that names two requirements which exclude each other, or ""."""
    if _CAUSES not in lines:
        return ""
    causes = []
    for line in lines[lines.index(_CAUSES) + 1 :]:
        match = _REQUIRES.fullmatch(line) or _ASKED.fullmatch(line)
        if not match:
            break
        found = match.groupdict()
        causes.append(_Cause(wheel.normal(found["package"]), found["wanted"], found.get("who", "")))
    if len(causes) < 2:
        return ""
    first, second = _pair(causes, names)
    return f"{_clause(first, pinned)}, but {_clause(second, pinned)}."


def _pair(causes: list[_Cause], names: Collection[str]) -> tuple[_Cause, _Cause]:
    """Return two causes that exclude each other, what is under test first.

    pip adds them one by one and stops at the first that goes with no version which the
    earlier ones leave, so the last is one of the two.
    """
    *earlier, last = causes

    def rank(cause: _Cause) -> tuple[bool, bool, bool]:
        return cause.package != last.package, not is_under_test(cause), bool(cause.who)

    def is_under_test(cause: _Cause) -> bool:
        return wheel.normal(cause.who.partition(" ")[0]) in names

    pair = [min(earlier, key=rank), last]
    first, second = sorted(pair, key=lambda cause: (not is_under_test(cause), not cause.who))
    return first, second


def _clause(cause: _Cause, pinned: Mapping[str, str]) -> str:
    if cause.who:
        return f"'{_shown(cause.who)}' requires '{_shown(cause.wanted)}'"
    is_pinned = cause.wanted == f"{cause.package}=={pinned.get(cause.package)}"
    return f"'{_shown(cause.wanted)}' is {'pinned' if is_pinned else 'asked for'}"


def _absence(lines: list[str], pinned: Mapping[str, str]) -> str:
    """Return the sentence for a requirement that no release meets, or ""."""
    match = next(filter(None, map(_MISSING.fullmatch, lines)), None)
    if not match:
        return ""
    wanted, who, package = match.group("wanted", "who", "package")
    version = pinned.get(wheel.normal(package))
    besides = f", and '{_shown(package)}=={version}' is pinned" if version else ""
    if not who:
        return f"pip's index has no '{_shown(wanted)}'{besides}."
    requires = f"'{_shown(who)}' requires '{_shown(wanted)}'"
    return f"{requires}, but pip's index has no such release{besides}."


def _shown(text: str) -> str:
    return clip(visible_line(text), _LINE_CHARACTERS)
