# SPDX-License-Identifier: Apache-2.0
"""How two sides are measured in pairs, as the command line asks for it."""

import argparse
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from osci_jobs.deployment import Deployment
from osci_jobs.run.order import MOST_WARM_UP, Plan

PAIRS = 5
# How many times as many pairs there may be until all is clear.
UNTIL_CLEAR = 3
# How much of a scenario's duration a round has of it.
SHARE = 0.2
# What a piece takes besides its load: thawing, a token, the meters.
_PIECE_SECONDS = 0.8
# A machine may be slower than what is expected by this.
_SLOW = 4
_MARGIN_SECONDS = 900


def plan(
    asked: argparse.Namespace, deployment: Deployment, scenarios: Sequence[Mapping[str, Any]]
) -> Plan:
    """Return the plan of `--against` and its kin for these scenarios of a deployment."""
    pieces = pieces_of(scenarios, SHARE)
    pairs = asked.pairs or PAIRS
    most = pairs * UNTIL_CLEAR if asked.until_clear else pairs
    return Plan(
        pieces=pieces,
        pairs=pairs,
        most_pairs=most,
        seconds=asked.budget * 60.0 if asked.budget else _SLOW * _expected(pieces, most),
        is_until_clear=asked.until_clear,
        seed=secrets.randbits(32) if asked.seed is None else asked.seed,
        history=_history(asked.state_dir.resolve(), deployment, pieces),
    )


def pieces_of(
    scenarios: Sequence[Mapping[str, Any]], share: float
) -> tuple[Mapping[str, Any], ...]:
    """Return the scenarios as long as a round has them; the first round is their ramp."""
    return tuple(
        {**one, "ramp": 0, "duration": one["duration"] * share, "limits": {}} for one in scenarios
    )


def most_seconds(found: Plan) -> float:
    """Return how long it takes at the most; the last pair may begin at the plan's end."""
    return found.seconds + _MARGIN_SECONDS


def _expected(pieces: Sequence[Mapping[str, Any]], pairs: int) -> float:
    """Return how long so many pairs and the rounds of warming up may take, in seconds."""
    seconds = sum(piece["duration"] + _PIECE_SECONDS for piece in pieces)
    return 2 * seconds * (pairs + MOST_WARM_UP)


def _history(state: Path, deployment: Deployment, pieces: Sequence[Mapping[str, Any]]) -> Path:
    """Return where the history of what is measured alike is kept."""
    measured = json.dumps([deployment.digest, *pieces], sort_keys=True)
    digest = hashlib.sha256(measured.encode()).hexdigest()[:12]
    return state / "history" / f"{deployment.name}-{digest}.json"
