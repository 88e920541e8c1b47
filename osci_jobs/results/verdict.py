# SPDX-License-Identifier: Apache-2.0
"""The answer of a run: the table of verdicts, kept as data in `verdicts.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from signal import Signals


@dataclass(frozen=True)
class Verdict:
    """One row of the table; `signals` maps a signal (INT, TERM) to its own exit code."""

    name: str
    exit_code: int
    hudson: str  # stable, unstable, failed, aborted
    meaning: str
    signals: Mapping[str, int] = field(default_factory=dict)


def _load() -> Mapping[str, Verdict]:
    table = json.loads(files(__package__).joinpath("verdicts.json").read_text("utf-8"))
    return {row["name"]: Verdict(**row) for row in table["verdicts"]}


VERDICTS = _load()


def exit_code(verdict: str, signal_number: int | None = None, ci: bool = False) -> int:
    """Return the exit code of the verdict named `verdict`.

    `signal_number` is the signal that stopped the run, if one did. With `ci`,
    what makes a build unstable exits 0: the JUnit publisher tells Hudson.
    """
    row = VERDICTS[verdict]
    if ci and row.hudson == "unstable":
        return 0
    if signal_number is None:
        return row.exit_code
    signal_name = Signals(signal_number).name.removeprefix("SIG")
    return row.signals.get(signal_name, row.exit_code)
