# SPDX-License-Identifier: Apache-2.0
"""What the events of a run log hold, and whether a line that was read back is one."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from signal import Signals
from typing import Any

from osci_jobs.results.verdict import VERDICTS

# The fields of each event beside at, seconds, phase and event; a '?' marks one
# that may be left out.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "run_started": ("run", "command", "arguments", "deployment", "group", "suites", "keep"),
    "phase_started": (),
    "phase_ended": ("outcome", "duration"),
    "step": ("text", "host?", "unit?", "outcome?"),
    "pinned": ("versions",),
    "source": ("project", "source"),
    "provenance": ("provenance",),
    "host": ("name", "address", "versions"),
    "suite_ended": ("suite", "outcome"),
    "trouble": ("verdict", "message", "cause", "signal_number?"),
    "run_ended": (),
}
_HEAD = ("at", "seconds", "phase", "event")
# Files are called after hosts and suites.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_sound(event: Any) -> bool:
    """Tell whether `event`, as it was read from a file, is one that can be worked with."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return False
    declared = (*_HEAD, *EVENTS.get(event["event"], ()))
    return all(_is_sound_field(event, field) for field in declared)


def _is_sound_field(event: Mapping[str, Any], field: str) -> bool:
    name = field.removesuffix("?")
    if name not in event:
        return field.endswith("?")
    return _CHECKS.get(name, _is_text)(event[name])


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_moment(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_name, value))


def _is_verdict(value: Any) -> bool:
    return isinstance(value, str) and value in VERDICTS


def _is_signal(value: Any) -> bool:
    return type(value) is int and value in set(Signals)


def _is_deployment(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("resolved"), dict):
        return False
    return _is_text(value.get("name")) and _is_text(value.get("digest")) and _is_resolved(value)


def _is_resolved(value: Mapping[str, Any]) -> bool:
    suites = value["resolved"].get("suites", [])
    services = value["resolved"].get("services", {})
    return (
        isinstance(suites, list)
        and all(map(_is_suite, suites))
        and isinstance(services, dict)
        and all(map(_is_names, services.values()))
    )


def _is_suite(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("suite"), str):
        return False
    # Its module is found by the second one.
    return _is_name(value.get("name")) and value["suite"].isidentifier()


def _is_source(value: Any) -> bool:
    """Tell whether the value is what is known of a source: words, numbers, and texts by name."""
    if not isinstance(value, dict):
        return False
    details = value.get("details", {})
    plain = [item for name, item in value.items() if name != "details"]
    return _is_text_map(details) and all(isinstance(item, str | int) for item in plain)


def _is_provenance(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    kinds = {"layers": _is_texts, "suites": _is_text_map}
    return all(kinds.get(name, _is_text)(item) for name, item in value.items())


# What a field holds where that is more than a text.
_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "arguments": _is_texts,
    "at": _is_moment,
    "cause": _is_text_map,
    "deployment": _is_deployment,
    "duration": _is_duration,
    "name": _is_name,
    "project": _is_name,
    "provenance": _is_provenance,
    "seconds": _is_duration,
    "signal_number": _is_signal,
    "source": _is_source,
    "suite": _is_name,
    "suites": _is_names,
    "verdict": _is_verdict,
    "versions": _is_text_map,
}
