# SPDX-License-Identifier: Apache-2.0
"""Progress of a run: a live line on a terminal, lines and a heartbeat elsewhere."""

import signal
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

from osci_jobs.results.escape import visible_line

HEARTBEAT_SECONDS = 60
_REFRESH_SECONDS = 1
_WIDTH = 78


class Progress:
    """A listener of the run log; use it as a context manager, for it has a clock."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._is_live = stream.isatty()
        self._started = time.monotonic()
        self._phase = ""
        self._phase_started = self._printed = self._started
        self._text = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self):
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

    def _show_phase_started(self, event: Mapping[str, Any]) -> None:
        self._phase, self._text = event["phase"], ""
        self._phase_started = time.monotonic()
        if self._is_live:
            self._draw()
        else:
            self._print(f"{self._phase} …")

    def _show_phase_ended(self, event: Mapping[str, Any]) -> None:
        self._print(f"{self._phase}: {event['outcome']} in {event['duration']:.1f} s")
        self._phase = ""

    def _show_step(self, event: Mapping[str, Any]) -> None:
        host = f" ({event['host']})" if event.get("host") else ""
        self._text = visible_line(event["text"]) + host
        if self._is_live:
            self._draw()
        else:
            self._print(f"  {self._text}")

    def _show_trouble(self, event: Mapping[str, Any]) -> None:
        self._print(f"{event['verdict']}: {visible_line(event['message'])}")

    def _tick(self) -> None:
        # Signals are for the main thread, which may hold them back.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGALRM})
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
        line = f"{self._phase} {elapsed:.0f} s  {self._text}"
        self._stream.write("\r\x1b[K" + line[:_WIDTH])
        self._stream.flush()

    def _clear(self) -> None:
        if self._is_live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
