# SPDX-License-Identifier: Apache-2.0
"""Answer whoever connects with what each service of this host has used so far.

    meter.py

The answer is one JSON object: services{name: cpu_seconds, memory_bytes, log_lines},
calls{caller: {service: number}}, statements{account: number}, rows{account: number},
messages{account: number}, and failed{kind: reason} for what could not be counted. All
only grow, but for memory, so that two answers tell what was used between them.
"""

import contextlib
import json
import socketserver
import sys
import threading

import sampler
from meter_counters import Broker, Database, FailedError, Journal

PORT = 9119


class Meter:
    """What is counted on this host; one answer at a time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._sampler = sampler.Sampler()
        self._journal = Journal()
        self._kinds = {"database": Database().read, "broker": Broker().read}
        # What ran before the first look is not counted by the second.
        self._sampler.services()

    def read(self):
        """Return the answer; log lines last, as counting the rest takes longer."""
        with self._lock:
            usage = self._sampler.services()
            answer = {"services": usage, "failed": {}}
            for kind, read in self._kinds.items():
                self._add(answer, kind, read)
            self._add(answer, "journal", self._read_journal)
        lines = answer.pop("lines", {})
        for name, used in usage.items():
            used["log_lines"] = lines.get(name, 0)
        return answer

    def _read_journal(self):
        lines, calls = self._journal.read()
        return {"lines": lines, "calls": calls}

    def _add(self, answer, kind, read):
        try:
            answer.update(read())
        except FailedError as error:
            answer["failed"][kind] = str(error)


class Server(socketserver.ThreadingTCPServer):
    """Listens on all addresses of the host, which its group alone can reach."""

    allow_reuse_address = True
    daemon_threads = True


def main():
    """Serve until TERM."""
    meter = Meter()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            # Who asked may have gone; the next one is answered all the same.
            with contextlib.suppress(OSError):
                self.request.sendall(json.dumps(meter.read()).encode())

    with Server(("0.0.0.0", PORT), Handler) as server:
        print(f"Listening on port {PORT}", file=sys.stderr)
        server.serve_forever()


if __name__ == "__main__":
    main()
