# SPDX-License-Identifier: Apache-2.0
"""Record what a suite does: its cases in cases.jsonl, its API calls in samples.csv."""

import csv
import json
import re
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

COLUMNS = ("at", "operation", "seconds", "status")
NO_ANSWER = 0
WAITED = 200  # what waited for something has no status of its own


class CaseFailedError(Exception):
    """The cloud did not do what the case expects of it.

    `call` describes the API call that it is laid to; None is the latest one.
    """

    def __init__(self, message, call=None):
        super().__init__(message)
        self.call = call


class Stop(BaseException):
    """TERM or INT came; no case may take it for its own failure."""


@dataclass(frozen=True)
class Case:
    """A test: the function that makes it, and the titles of the cases it needs.

    There is no function where no deployment has what is tested.
    """

    group: str
    name: str
    function: object = None
    needs: tuple = ()

    @property
    def title(self):
        """The name with its group in front, as `needs` has it."""
        return f"{self.group}.{self.name}"


class Samples:
    """The API calls so far; `last` describes the latest one, "" when there was none."""

    def __init__(self, file, calls):
        self._file = file
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._calls = [
            (method, re.compile(rf".*{pattern}"), key, name) for method, pattern, key, name in calls
        ]
        self.last = ""

    def call(self, method, url, body, send):
        """Return what `send` returns, with a sample when the call is one of `calls`."""
        name = self.operation(method, url, body)
        start, at = time.monotonic(), datetime.now(UTC)
        status, request_id = NO_ANSWER, None
        try:
            response = send()
            status = response.status_code
            request_id = response.headers.get("x-openstack-request-id")
            return response
        finally:
            if name:
                self._write(at, name, time.monotonic() - start, status)
                self.last = _describe(name, status, request_id)

    def waited(self, name, start):
        """Sample that from `start`, of the monotonic clock, until now something was waited for."""
        seconds = time.monotonic() - start
        self._write(datetime.now(UTC) - timedelta(seconds=seconds), name, seconds, WAITED)

    def message(self, error):
        """Return what an error says, and the call that it is laid to."""
        call = getattr(error, "call", None)
        call = self.last if call is None else call
        return f"{error} [{call}]" if call else str(error)

    def operation(self, method, url, body):
        """Return the operation of a request, or None for one that is not sampled."""
        path = urlsplit(url).path.rstrip("/")
        for known_method, pattern, key, name in self._calls:
            is_known = method == known_method and pattern.fullmatch(path)
            if is_known and (not key or key in (body or {})):
                return name
        return None

    def _write(self, at, name, seconds, status):
        self._writer.writerow(
            [at.isoformat(timespec="milliseconds"), name, f"{seconds:.6f}", status]
        )
        self._file.flush()


def _describe(name, status, request_id):
    answer = f"answered {status}" if status else "got no answer"
    return f"{name} {answer} ({request_id})" if request_id else f"{name} {answer}"


class Cases:
    """The cases so far; each is on disk, and on standard output, as soon as it ends.

    An exception of `failures` is the cloud's, any other one is the suite's own.
    `skips` gives the reason for each case, by title, that is not to run.
    """

    def __init__(self, file, samples, failures, skips):
        self._file = file
        self._samples = samples
        self._failures = (CaseFailedError, *failures)
        self._skips = skips
        self._outcomes = {}
        self._is_running = False
        self._is_stopped = False

    @property
    def has_failed(self):
        """Whether any case failed or was in error."""
        return not {"failed", "error"}.isdisjoint(self._outcomes.values())

    def run(self, case, *arguments):
        """Run `case`, or skip it when it is not to run or a case that it needs did not pass."""
        if reason := self._reason_to_skip(case):
            self._write(case, "skipped", 0, reason)
        else:
            self.finish(case, *arguments)

    def finish(self, case, *arguments):
        """Run `case`, whatever became of the others."""
        start = time.monotonic()
        outcome, message, details = self._outcome(case, arguments)
        self._write(case, outcome, time.monotonic() - start, message, details)

    def stop(self):
        """Break off the case that is running and skip the rest; to be called by a signal."""
        self._is_stopped = True
        if self._is_running:
            raise Stop

    def _reason_to_skip(self, case):
        if self._is_stopped:
            return "The suite was told to stop."
        if case.title in self._skips:
            return self._skips[case.title]
        for need in case.needs:
            if self._outcomes[need] == "skipped":
                return f"It needs {need}, which was skipped."
            if self._outcomes[need] != "passed":
                return f"It needs {need}, which did not pass."
        return ""

    def _outcome(self, case, arguments):
        self._samples.last = ""
        try:
            self._call(case, arguments)
        except self._failures as error:
            return "failed", self._samples.message(error), traceback.format_exc()
        except Stop:
            return "error", "The suite was told to stop.", ""
        except Exception as error:
            return "error", f"{type(error).__name__}: {error}", traceback.format_exc()
        return "passed", "", ""

    def _call(self, case, arguments):
        self._is_running = True
        try:
            case.function(*arguments)
        finally:
            self._is_running = False

    def _write(self, case, outcome, seconds, message="", details=""):
        self._outcomes[case.title] = outcome
        fields = {
            "name": case.name,
            "classname": case.group,
            "outcome": outcome,
            "seconds": round(seconds, 3),
            "message": message,
            "details": details,
        }
        self._file.write(json.dumps(fields) + "\n")
        self._file.flush()
        print(f"CASE {case.title} {outcome} {seconds:.3f}", flush=True)
