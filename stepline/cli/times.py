"""Parses durations that users write, and formats times."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from stepline.core.errors import UsageError

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)\s*([smhdw])")


def parse_duration(text: str) -> timedelta:
    """Parse `90s`, `10m`, `2h`, `1d` or `1w`. Raises UsageError for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is not a duration: write a number and a unit, such as 90s, 10m, 2h or 1d")
    return timedelta(seconds=int(match[1]) * _UNIT_SECONDS[match[2]])


def clock_time(moment: datetime) -> str:
    """Format as `14:03:59` in the user's time zone."""
    return moment.astimezone().strftime("%H:%M:%S")
