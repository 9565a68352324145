"""Lengths and points of time, as people write and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from stepline.core.errors import UsageError

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


def clock_time(moment: datetime) -> str:
    """`14:03:59` in the user's time zone."""
    return moment.astimezone().strftime("%H:%M:%S")
