# SPDX-License-Identifier: Apache-2.0
"""Following a build from the queue to its end, through times in which the server is away."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from osci_jobs.errors import InfrastructureError
from osci_jobs.hudson import build, trigger
from osci_jobs.hudson.build import Build, Item
from osci_jobs.hudson.console import Console
from osci_jobs.hudson.server import AwayError, Server
from osci_jobs.hudson.trigger import Trigger

POLL_SECONDS = 2.0
# How long a server may be away, as for a restart.
AWAY_SECONDS = 600.0
LONGEST_PAUSE_SECONDS = 30.0
# Between queue and build there is a moment in which it is in neither.
NOWHERE_SECONDS = 20.0

Tell = Callable[[Mapping[str, Any]], None]
_Found = TypeVar("_Found")


class Follower:
    """Follows one build; `tell` gets events of the phases `queue` and `build`, as of a run log.

    An event `line` besides is a line of the build's log. `asked` says where the
    build is, as far as it is known.
    """

    def __init__(
        self, server: Server, asked: Trigger, tell: Tell, away_seconds: float = AWAY_SECONDS
    ):
        self.asked = asked
        self._server = server
        self._tell = tell
        self._away_seconds = away_seconds
        self._said = ""

    @property
    def url(self) -> str:
        """The address of the build for people; that of its job while it has no number."""
        return url(self._server, self.asked)

    def await_start(self, seconds: float = float("inf")) -> Item | None:
        """Wait until the build has left the queue; return its item if that lasts longer."""
        if self.asked.number:
            return None
        started = self._begin("queue")
        nowhere_since = 0.0
        while True:
            item = self._patiently(self._look)
            now = time.monotonic()
            if self.asked.number:
                self._end("queue", "success", started)
                return None
            nowhere_since = 0.0 if item else nowhere_since or now
            if nowhere_since and now - nowhere_since > NOWHERE_SECONDS:
                raise trigger.cancelled(self._server, self.asked)
            if item and now - started > seconds:
                return item
            time.sleep(POLL_SECONDS)

    def await_end(self) -> tuple[Build, Console]:
        """Wait until the build has ended; return it, and the log of which the end is known."""
        started = self._begin("build")
        console = Console(self._server, self.asked.job, self.asked.number, self._tell_line)
        while True:
            found = self._patiently(self._build)
            self._step(f"{self.url} on {_agent(found)}")
            self._patiently(console.read)
            if not found.is_building and found.result:
                console.end()
                self._end("build", found.result, started)
                return found, console
            time.sleep(POLL_SECONDS)

    def _look(self) -> Item | None:
        self.asked, item = trigger.locate(self._server, self.asked)
        if item:
            why = f": {item.why}" if item.why else ""
            self._step(f"place {item.place} of {item.length} in the queue{why}")
        return item

    def _build(self) -> Build:
        found = build.build(self._server, self.asked.job, self.asked.number)
        if found is None:
            raise self._server.error(self._about, "the build is gone: somebody deleted it")
        return found

    def _patiently(self, call: Callable[[], _Found]) -> _Found:
        """Return what the call returns, as soon as the server is there to answer it."""
        since = time.monotonic()
        pause = POLL_SECONDS
        while True:
            try:
                return call()
            except AwayError as error:
                away = time.monotonic() - since
                if away + pause > self._away_seconds:
                    raise InfrastructureError(
                        f"{error} {self._about_sentence} was followed, and the server has not "
                        f"answered for {away:.0f} s."
                    ) from error
                self._step(f"waiting for the server: {error}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    @property
    def _about(self) -> str:
        number = self.asked.number
        name = self.asked.job
        return build.about_build(name, number) if number else build.about_job(name)

    @property
    def _about_sentence(self) -> str:
        return self._about[0].upper() + self._about[1:]

    def _begin(self, phase: str) -> float:
        self._tell({"event": "phase_started", "phase": phase})
        return time.monotonic()

    def _end(self, phase: str, outcome: str, started: float) -> None:
        duration = time.monotonic() - started
        self._tell(
            {"event": "phase_ended", "phase": phase, "outcome": outcome, "duration": duration}
        )

    def _step(self, text: str) -> None:
        """Say what is new; a number alone, such as that of seconds to wait, is not."""
        plain = re.sub(r"[\d.,]+", "#", text)
        if plain != self._said:
            self._said = plain
            self._tell({"event": "step", "text": text})

    def _tell_line(self, text: str) -> None:
        self._tell({"event": "line", "text": text})


def url(server: Server, asked: Trigger) -> str:
    """Return the address of the build for people, else that of its item or of its job."""
    if asked.number:
        return build.build_url(server, asked.job, asked.number)
    if asked.has_page:
        return f"{server.url}queue/item/{asked.item}/"
    return build.job_url(server, asked.job)


def _agent(found: Build) -> str:
    return f"the agent '{found.agent}'" if found.agent else "the server itself"
