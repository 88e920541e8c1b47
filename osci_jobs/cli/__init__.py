# SPDX-License-Identifier: Apache-2.0
"""The command line: arguments in, exit code out."""

import argparse
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from osci_jobs.cli import arguments, detached
from osci_jobs.errors import ConfigurationError, InterruptionError, OsciError

_EXIT_CODE_OF_A_BUG = 3  # that of the verdict infrastructure
_PATIENCE = 2  # signals that are heard: one stops the phase, a second one skips to the end


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command line and return the exit code of its verdict."""
    parser = arguments.parser()
    words = list(sys.argv[1:] if words is None else words)
    try:
        asked = parser.parse_args(words, argparse.Namespace(words=words[1:]))
    except ConfigurationError as error:
        return _report(error, "--json" in words)
    if asked.version:
        return _print_version()
    if asked.command is None:
        parser.print_help()
        return 2
    if detached.is_wanted(asked, os.environ):
        return detached.run(words)
    _hear_signals()
    with detached.worker(os.environ) as tell:
        code = _carry_out(asked)
        tell(code)
    return code


def _carry_out(asked: argparse.Namespace) -> int:
    try:
        code = importlib.import_module(f"osci_jobs.cli.{asked.command}").call(asked)
        sys.stdout.flush()
        return code
    except OsciError as error:
        return _report(error, asked.json)
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        # A bug is trouble of osci's own, and never a verdict on the code under test.
        traceback.print_exc()
        return _EXIT_CODE_OF_A_BUG


def _print_version() -> int:
    from importlib.metadata import version

    print(f"osci {version('osci-jobs')}")
    return 0


def _hear_signals() -> None:
    heard = 0

    def hear(number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        heard += 1
        if heard <= _PATIENCE:
            raise InterruptionError(number)

    signal.signal(signal.SIGINT, hear)
    signal.signal(signal.SIGTERM, hear)


def _report(error: OsciError, as_json: bool) -> int:
    from osci_jobs.results import verdict

    number = error.signal_number if isinstance(error, InterruptionError) else None
    code = verdict.exit_code(error.verdict, number)
    if as_json:
        document = {"error": str(error), "exit_code": code, "verdict": error.verdict}
        print(json.dumps(document, indent=2, sort_keys=True))
    else:
        print(f"osci: {error}", file=sys.stderr)
    return code
