# SPDX-License-Identifier: Apache-2.0
"""Amounts as people write them: durations, moments, sizes."""

from datetime import datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def duration(seconds: float) -> str:
    """Write a duration for a person: '0.042 s', '1.2 s', '3 min 4 s', '1 h 2 min'."""
    if seconds < 1:
        return f"{seconds:.3f} s"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def moment(time: str) -> str:
    """Write a time of the run log for a person: '2026-11-23 09:35:44 UTC'."""
    if not time:
        return "at an unknown time"
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S} UTC"


def size(count: float) -> str:
    """Write a number of bytes for a person: '512 B', '3.4 MiB', '120 MiB'."""
    amount, unit = float(count), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    is_whole = unit == 0 or amount >= 100
    return f"{amount:.0f} {_UNITS[unit]}" if is_whole else f"{amount:.1f} {_UNITS[unit]}"


def amount(value: float) -> str:
    """Write a number of three digits for a person: '0.0123', '4.5', '12,300'."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def number(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun: '1 case', '2 cases'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
