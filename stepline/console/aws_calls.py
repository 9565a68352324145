"""Counts the requests that pages send to AWS, and decides when a page may read again.

Every request counts, including botocore's retries: what counts for AWS's quotas is what is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from stepline.aws.target import Target

CALLS_PER_MINUTE: Final = 20
"""An open page sends at most so many requests to an account in any minute [ours]."""

_RESERVED_CALLS: Final = 4
"""Of these, so many are left for a reading that finds a change, and so reads more [ours]."""

_MINUTE_SECONDS: Final = 60.0
_LOCAL_SECONDS: Final = 0.4
"""Between two readings of the local AWS, which has no quotas: a change is shown within a second."""
_AWS_SECONDS: Final = 2.0
_ENDED_SECONDS: Final = 60.0
"""Between two readings of what has ended: only a retry or a redrive still changes it."""

_Result = TypeVar("_Result")
_counted: ContextVar[list[int] | None] = ContextVar("counted_calls", default=None)


def count_calls(target: Target) -> None:
    """Count the requests of all clients that the target creates from now on."""
    target.session.events.register("before-send", _count)


def counted(read: Callable[[], _Result]) -> tuple[_Result, int]:
    """Call `read`, and return its result and the number of requests that it sent in this thread."""
    calls = [0]
    before = _counted.set(calls)
    try:
        return read(), calls[0]
    finally:
        _counted.reset(before)


def _count(**_request: Any) -> None:
    calls = _counted.get()
    if calls is not None:
        calls[0] += 1


@dataclass(frozen=True)
class Pace:
    """How often pages may read."""

    seconds: float
    calls_per_minute: int | None

    @classmethod
    def of(cls, target: Target) -> Pace:
        return cls(_LOCAL_SECONDS, None) if target.is_local else cls(_AWS_SECONDS, CALLS_PER_MINUTE)


class CallBudget:
    """The requests of one page, and when it may read again. Times are seconds of a monotonic clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._readings: deque[tuple[float, int]] = deque()

    def add(self, now: float, calls: int) -> None:
        self._readings.append((now, calls))

    def in_last_minute(self, now: float) -> int:
        while self._readings and self._readings[0][0] <= now - _MINUTE_SECONDS:
            self._readings.popleft()
        return sum(calls for _, calls in self._readings)

    def _later(self) -> list[int]:
        """Return what the readings of the last minute cost, but the first, which reads definitions."""
        return [calls for _, calls in islice(self._readings, 1, None)]

    def next_reading(self, now: float, *, is_live: bool) -> float:
        """Return when to read again, if that sends no more requests than other readings of this minute did.

        The readings are spread over the minute, so that a page does not stand still after the first ones.
        """
        if not is_live:
            return now + _ENDED_SECONDS
        limit = self._pace.calls_per_minute
        if limit is None:
            return now + self._pace.seconds
        last = self._readings[-1][1] if self._readings else 0
        spread = last * _MINUTE_SECONDS / (limit - _RESERVED_CALLS)
        due = now + max(self._pace.seconds, spread)
        left = self.in_last_minute(now) + max(self._later(), default=last) - limit
        for time, calls in self._readings:
            if left <= 0:
                break
            left -= calls
            due = max(due, time + _MINUTE_SECONDS)
        return due
