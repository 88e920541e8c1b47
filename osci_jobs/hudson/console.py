# SPDX-License-Identifier: Apache-2.0
"""The log of a build, read piece by piece while it grows."""

import re
from collections import deque
from collections.abc import Callable

from osci_jobs.hudson import build
from osci_jobs.hudson.server import Server, job_path
from osci_jobs.results.escape import clip, visible_line

PIECE_BYTES = 256 << 10
LINE_CHARACTERS = 500
LAST_LINES = 20


class Console:
    """The log of one build; `last` are its last lines, made visible.

    A piece that is larger than 256 KiB is left out but for its beginning, so
    that a build that prints without end is followed at its own pace.
    """

    def __init__(self, server: Server, job: str, number: int, tell: Callable[[str], None]):
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self._server = server
        self._path = f"{job_path(job)}{number}/"
        self._about = f"the log of {build.about_build(job, number)}"
        self._tell = tell
        self._read = 0  # bytes, as the server counts them
        self._rest = b""

    def read(self) -> None:
        """Tell the lines that are new."""
        query = {"start": str(self._read)}
        answer = self._server.find_bytes(
            f"{self._path}logText/progressiveText", self._about, query, PIECE_BYTES
        )
        if answer is None:
            return  # this server has no such page
        size = answer.headers.get("X-Text-Size", "")
        if not re.fullmatch(r"\d{1,18}", size, re.ASCII) or int(size) <= self._read:
            return
        self._add(answer.content)
        if answer.is_cut:
            left_out = int(size) - self._read - len(answer.content)
            self._say(f"[… {max(left_out, 0)} bytes of the log left out …]")
            self._rest = b""
        self._read = int(size)

    def end(self) -> None:
        """Tell a last line that has no end."""
        if self._rest:
            self._add(b"\n")

    def _add(self, content: bytes) -> None:
        *lines, rest = (self._rest + content).split(b"\n")
        for line in lines:
            self._say(line.decode("utf-8", "replace").rstrip("\r"))
        self._rest = rest[:LINE_CHARACTERS]

    def _say(self, text: str) -> None:
        line = visible_line(clip(text, LINE_CHARACTERS))
        self.last.append(line)
        self._tell(line)
