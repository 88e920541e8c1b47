# SPDX-License-Identifier: Apache-2.0
"""Progress of a run: a live line on a terminal, lines and a heartbeat elsewhere."""

import os
import shutil
import threading
import time
import unicodedata
from collections.abc import Mapping
from typing import Any, TextIO

from osci_jobs import signals
from osci_jobs.results.escape import visible_line

HEARTBEAT_SECONDS = 60
_REFRESH_SECONDS = 1
# East Asian widths of what may fill two columns; 'A' does so in some fonts only.
_WIDE = "WFA"


class Progress:
    """A listener of the run log; use it as a context manager, for it has a clock.

    `expected` has the seconds that phases may take, those of which it is known.
    """

    def __init__(self, stream: TextIO, expected: Mapping[str, float]):
        self._stream = stream
        self._expected = expected
        self._is_live = stream.isatty()
        self._started = time.monotonic()
        self._phase = ""
        self._phase_started = self._printed = self._started
        self._text = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
        # Signals are for the main thread, which may hold them back.
        with signals.blocked():
            self._clock.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._clock.join()
        self._clear()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show one event of the run log."""
        show = getattr(self, f"_show_{event['event']}", None)
        if show:
            with self._lock:
                show(event)

    def say(self, text: str) -> None:
        """Show a line of its own."""
        with self._lock:
            self._print(text)

    def _show_phase_started(self, event: Mapping[str, Any]) -> None:
        self._phase, self._text = event["phase"], ""
        self._phase_started = time.monotonic()
        if self._is_live:
            self._draw()
        else:
            about = self._about()
            self._print(f"{self._phase}, {about} …" if about else f"{self._phase} …")

    def _show_phase_ended(self, event: Mapping[str, Any]) -> None:
        self._print(f"{event['phase']}: {event['outcome']} in {event['duration']:.1f} s")
        self._phase = ""

    def _show_step(self, event: Mapping[str, Any]) -> None:
        host = f" ({event['host']})" if event.get("host") else ""
        self._text = visible_line(event["text"]) + host
        if self._is_live:
            self._draw()
        else:
            self._print(f"  {self._text}")

    def _show_line(self, event: Mapping[str, Any]) -> None:
        self._print(f"  {visible_line(event['text'])}")
        if self._is_live:
            self._draw()

    def _show_trouble(self, event: Mapping[str, Any]) -> None:
        self._print(f"{event['verdict']}: {visible_line(event['message'])}")

    def _tick(self) -> None:
        while not self._stop.wait(_REFRESH_SECONDS):
            with self._lock:
                now = time.monotonic()
                if self._phase and self._is_live:
                    self._draw()
                elif self._phase and now - self._printed >= HEARTBEAT_SECONDS:
                    elapsed = now - self._phase_started
                    self._print(f"  {self._phase} goes on, {elapsed:.0f} s: {self._text}")

    def _print(self, text: str) -> None:
        self._clear()
        self._printed = time.monotonic()
        elapsed = self._printed - self._started
        self._stream.write(f"{elapsed:6.1f} s  {text}\n")
        self._stream.flush()

    def _draw(self) -> None:
        elapsed = time.monotonic() - self._phase_started
        about = self._about()
        took = f"{elapsed:.0f} s of {about}" if about else f"{elapsed:.0f} s"
        # Some terminals wrap what fills their last column.
        line = fit(f"{self._phase} {took}  {self._text}", _columns(self._stream) - 1)
        self._stream.write("\r\x1b[K" + line)
        self._stream.flush()

    def _about(self) -> str:
        seconds = self._expected.get(self._phase, 0.0)
        return f"about {seconds:.0f} s" if seconds >= 1 else ""

    def _clear(self) -> None:
        if self._is_live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def fit(text: str, columns: int) -> str:
    """Return as much of `text` as surely fits into so many columns of a terminal."""
    left = columns
    for number, character in enumerate(text):
        left -= 2 if unicodedata.east_asian_width(character) in _WIDE else 1
        if left < 0:
            return text[:number]
    return text


def _columns(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or shutil.get_terminal_size().columns
