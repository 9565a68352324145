"""Lengths and points of time, as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from stepline.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PATTERN = re.compile(r"(\d+)\s*([smhdw])")


def parse_duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h`, `1d`, `1w`. Raises UsageError for anything else."""
    match = _PATTERN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"{text!r} is no length of time: give a number and a unit, such as 90s, 10m, 2h or 1d"
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(length: timedelta | None) -> str:
    """`0.3 s`, `42 s`, `3 min 05 s`, `2 h 07 min`; empty for None."""
    if length is None:
        return ""
    seconds = max(0.0, length.total_seconds())
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02} min" if hours else f"{minutes} min {rest:02} s"


def clock_time(moment: datetime) -> str:
    """`14:03:59` in the user's time zone."""
    return moment.astimezone().strftime("%H:%M:%S")


def iso_time(moment: datetime | None) -> str | None:
    """`2026-01-31T14:03:59.123Z`: always UTC, always milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
