"""Formats durations for people."""

from __future__ import annotations

from datetime import timedelta

_TENTHS_BELOW_SECONDS = 9.95
"""Shorter durations are shown with tenths of a second, if they are known [ours]."""


def format_duration(length: timedelta | float | None) -> str:
    """Return a duration such as `0.3 s`, `45 s`, `2 min 5 s` or `3 h 10 min`; empty for None.

    A number is in seconds; an int is shown without tenths.
    """
    if length is None:
        return ""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if isinstance(seconds, float) and seconds < _TENTHS_BELOW_SECONDS:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
