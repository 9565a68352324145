"""Formats times for JSON documents."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(moment: datetime | None) -> str | None:
    """Format as `2026-01-31T14:03:59.123Z`: always UTC, always with milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
