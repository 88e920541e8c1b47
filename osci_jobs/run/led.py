# SPDX-License-Identifier: Apache-2.0
"""A group whose load is led from here: piece by piece, and frozen in between."""

import contextlib
import json
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from osci_jobs import groups, process, signals
from osci_jobs.deployment import Limit, Suite
from osci_jobs.errors import InfrastructureError, OsciError
from osci_jobs.groups import TESTER, Group
from osci_jobs.results import cases, load
from osci_jobs.results.load import Measured
from osci_jobs.run import steps
from osci_jobs.run.phase import phase
from osci_jobs.run.work import Work
from osci_jobs.suites.fetched import ARCHIVE_BYTES

_RUNNER = "/usr/local/lib/osci/run_suite.py"
_DIRECTORY = "/var/lib/osci/suites"
# To bring the programs and to start what counts; to boot the servers that scenarios find.
_BRING_SECONDS = 120
_READY_SECONDS = 180
_MARGIN_SECONDS = 60
_END_SECONDS = 120
# What comes due while a host is frozen is done at once when it goes on.
_SETTLE_SECONDS = 0.15


class UnmeasuredError(OsciError):
    """A cloud is such that no load can be put on it."""

    verdict = "failure"


class LostSideError(InfrastructureError):
    """One side can no longer be measured: `number` is its place."""

    def __init__(self, number: int, error: InfrastructureError):
        super().__init__(str(error), host=error.host, line=error.line)
        self.number = number


KNOWN = ("idle", "look")
Known = dict[str, list[list[Any]]]


class Side:
    """One of two groups under load; frozen but for the time in which it is asked."""

    def __init__(self, name: str, group: Group, generator: process.Conversation):
        self.name = name
        self._group = group
        self._generator = generator

    def wait_until_ready(self) -> None:
        """Wait until the generator has what its scenarios need, and freeze the group.

        Raises InfrastructureError when the generator cannot.
        """
        self._understood(self._generator.answer(_READY_SECONDS))
        self.rest()

    def wake(self) -> None:
        """Let the group go on while nothing is measured; safe to repeat."""
        groups.thaw(self._group)

    def rest(self) -> None:
        """Freeze the group again; raises as `groups.freeze` does."""
        groups.freeze(self._group)

    def know(self, seconds: float) -> Known:
        """Return what the cloud uses by itself in a second, and for a look at a server.

        It is watched for so many seconds. Rows are service, resource, amount.
        """
        found = self._asked({"know": seconds}, seconds + _MARGIN_SECONDS)
        return {name: found.get(name, []) for name in KNOWN}

    def use(self, known: Known) -> None:
        """Let this be taken off from what is measured from now on."""
        self._asked({"known": known}, 0)

    def load(self, piece: Mapping[str, Any], *, is_kept: bool) -> Measured | None:
        """Put a piece of load on the group; return what that measured, None where nothing was.

        Why is a case of the suite then. Raises InfrastructureError when the generator is lost.
        """
        seconds = piece["ramp"] + piece["duration"] + piece["timeout"]
        found = self._asked({"scenario": dict(piece), "is_kept": is_kept}, seconds)
        return load.parse(found.get("measured"))

    def _asked(self, what: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        with self._awake():
            return self._understood(
                self._generator.ask(json.dumps(what), seconds + _MARGIN_SECONDS)
            )

    @contextlib.contextmanager
    def _awake(self) -> Iterator[None]:
        self.wake()
        time.sleep(_SETTLE_SECONDS)
        yield
        for host in groups.lost(self._group):
            raise InfrastructureError(
                f"The host '{host}' of the side '{self.name}' is lost.", host=host
            )
        self.rest()

    def _understood(self, line: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InfrastructureError(
                f"The generator of load on the side '{self.name}' failed.", line=line[:500]
            )
        return found


@contextlib.contextmanager
def side(name: str, work: Work, suite: Suite, limit: Limit) -> Iterator[Side]:
    """Yield the side of a run whose group is up; what it measured is placed afterwards.

    In the run's log this is the suite. Raises InfrastructureError when it could not run.
    """
    assert work.group
    group, log = work.group, work.log
    with phase(log, suite.name, None) as outcome:
        led = {"osci_suite_is_led": True}
        steps.bring_suite(group, suite, limit, _BRING_SECONDS, log, work.say, led)
        try:
            with process.Conversation(
                _ssh(group, ["/usr/bin/python3", _RUNNER, f"{_DIRECTORY}/{suite.name}", "--led"]),
                name=f"load ({name})",
                environment=process.outside_of_builds({}),
            ) as generator:
                yield Side(name, group, generator)
                groups.thaw(group)
                generator.end(_END_SECONDS)
        except process.EndedError as error:
            groups.thaw(group)
            outcome[0] = _take(work, suite, limit)
            raise _why_ended(name, suite, work, error) from error
        finally:
            groups.thaw(group)
        outcome[0] = _take(work, suite, limit)


def _take(work: Work, suite: Suite, limit: Limit) -> str:
    """Place what the generator left; return how the suite ended."""
    assert work.group
    output = work.group.scratch / f"{suite.name}.tar"
    _fetch(work.group, f"{_DIRECTORY}/{suite.name}/output.tar", output)
    ended = steps.take_suite(
        work.group, suite, limit, output, work.order.run_directory, work.log, work.say
    )
    work.has_failed = ended != "success"
    return ended


def _why_ended(name: str, suite: Suite, work: Work, error: OsciError) -> OsciError:
    """Return what a generator that ended too early says itself of why, else the error."""
    try:
        found = cases.read(work.order.run_directory / "cases" / f"{suite.name}.jsonl")
    except cases.MalformedCasesError:
        return error
    for case in found:
        if case.is_failing:
            return UnmeasuredError(
                f"The side '{name}' could not be measured: {case.message}",
                line=case.message,
                file=f"{name}/junit/{suite.name}.xml",
            )
    return error


def _ssh(group: Group, command: list[str]) -> list[str]:
    # Who is frozen answers no ssh, and is no less alive.
    options = ("-o", "ServerAliveInterval=0")
    return ["ssh", "-F", str(group.ssh_config), *options, TESTER, shlex.join(command)]


def _fetch(group: Group, path: str, place: Path) -> None:
    with place.open("wb") as file, signals.blocked():
        try:
            done = subprocess.run(
                _ssh(group, ["head", "-c", str(ARCHIVE_BYTES), path]),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                timeout=process.CALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InfrastructureError("What the load measured does not come back.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise InfrastructureError(f"What the load measured does not come back: {said}")
