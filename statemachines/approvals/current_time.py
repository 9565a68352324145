"""The current time, which only approvals need: everything else counts what the state machine has waited."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
