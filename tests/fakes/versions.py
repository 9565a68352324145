"""What a resource was before: services whose reads are eventually consistent may return an older state."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

MAX_STALE_SECONDS = 60
"""So long after a change a read may return the state before it [ours]: AWS documents no number."""

_T = TypeVar("_T")


class View(enum.Enum):
    """Which state of the resources a read returns."""

    LATEST = enum.auto()
    PREVIOUS = enum.auto()  # before the latest change, if that was in the last minute
    MINUTE_AGO = enum.auto()


@dataclass
class Versions(Generic[_T]):
    """The states of one resource; None means that it does not exist."""

    _items: list[tuple[datetime, _T | None]] = field(default_factory=list)

    def add(self, moment: datetime, state: _T | None) -> None:
        self._items.append((moment, state))

    def forget(self) -> None:
        """Let the latest state be an old one, before which there was none."""
        self._items = [
            (datetime.min.replace(tzinfo=moment.tzinfo), state) for moment, state in self._items[-1:]
        ]

    def seen(self, view: View, now: datetime) -> _T | None:
        start = now - timedelta(seconds=MAX_STALE_SECONDS)
        if view is View.MINUTE_AGO:
            return next((state for moment, state in reversed(self._items) if moment < start), None)
        is_previous = view is View.PREVIOUS and self._items[-1][0] >= start
        states = [None, *(state for _, state in self._items)]
        return states[-2] if is_previous else states[-1]
