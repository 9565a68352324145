"""Queues the requests to the process's API, so that they never exceed its usage plan.

A usage plan is a token bucket: `burst` requests at once, then `requests_per_second`. All callers of the
service share one API key and so one bucket. If each of 500 callers polled on its own, API Gateway would
throttle nearly all requests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

FIRST_BACKOFF_SECONDS: Final = 1.0
LONGEST_BACKOFF_SECONDS: Final = 30.0
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0
"""Longer values of Retry-After are cut [ours]: they are more likely a mistake."""

_WHOLE_TOKEN: Final = 1 - 1e-9
"""A timer can fire a rounding error early."""


class Purpose(Enum):
    """What a request is for."""

    START = "start"
    STATE = "state"
    DATA = "data"


class Quota:
    """Lets requests go as fast as the usage plan allows, and fairly.

    DATA, which ends a caller's wait, goes first. STATE and START alternate, so that many starts do not delay
    callers whose processes have ended, nor the other way round. In the long run each caller gets one start,
    about one state and one data request, which is the best that the quota allows. Requests of the same
    purpose go in the order in which they came, so that all processes are polled equally often.

    Times are those of the running event loop.
    """

    def __init__(self, *, requests_per_second: float, burst: int, jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, as `random.random` does."""
        self._rate = requests_per_second
        self._burst = burst
        self._jitter = jitter
        self._queues: dict[Purpose, deque[asyncio.Future[None]]] = {purpose: deque() for purpose in Purpose}
        self._order = [Purpose.DATA, Purpose.START, Purpose.STATE]
        self._tokens = float(burst)
        self._counted_at = 0.0  # in the future while all requests pause
        self._throttled = 0  # in a row
        self._scheduler: asyncio.Task[None] | None = None

    async def acquire(self, purpose: Purpose, *, again: bool = False) -> None:
        """Wait until a request may be sent. With `again`, it was throttled and goes before the others."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues[purpose]
        if again:
            queue.appendleft(turn)
        else:
            queue.append(turn)
        if self._scheduler is None or self._scheduler.done():
            self._scheduler = asyncio.create_task(self._schedule())
        await turn

    def report_accepted(self) -> None:
        """Record that a request was not throttled."""
        self._throttled = 0

    def report_throttled(self, retry_after_seconds: float | None) -> None:
        """Pause all requests, longer each time: another client uses the quota, too.

        Requests that were sent together are throttled together, which counts once.
        """
        now = asyncio.get_running_loop().time()
        if now < self._counted_at:
            return
        seconds = backoff_seconds(self._throttled, self._jitter())
        if retry_after_seconds is not None:
            seconds = max(seconds, min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        self._throttled += 1
        self._tokens = 0.0
        self._counted_at = now + seconds

    async def _schedule(self) -> None:
        """Let requests go until none waits."""
        while True:
            await self._wait_for_token()
            turn = self._next_turn()
            if turn is None:
                return
            self._tokens -= 1
            turn.set_result(None)

    async def _wait_for_token(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if now > self._counted_at:
                self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
                self._counted_at = now
            if self._tokens >= _WHOLE_TOKEN:
                return
            await asyncio.sleep(self._counted_at - now + (1 - self._tokens) / self._rate)

    def _next_turn(self) -> asyncio.Future[None] | None:
        for purpose in self._order:
            queue = self._queues[purpose]
            while queue:
                turn = queue.popleft()
                if not turn.done():  # the caller has not left
                    if purpose is not Purpose.DATA:
                        self._order.sort(key=lambda other: (other is not Purpose.DATA, other is purpose))
                    return turn
        return None


def backoff_seconds(failures: int, jitter: float) -> float:
    """Return a time that doubles with each failure; half of it is random, so that retries spread."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 30))
    return longest * (0.5 + 0.5 * jitter)
