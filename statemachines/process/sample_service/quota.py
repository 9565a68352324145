"""The one queue in which all requests to the process's API wait, so that its usage plan is never exceeded.

A usage plan is a token bucket: `burst` requests at once, then `requests_per_second`. All callers of the
service share one API key and so one bucket. If each of 500 polled by itself, nearly every request would be
refused; here each waits its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

FIRST_BACKOFF_SECONDS: Final = 1.0
LONGEST_BACKOFF_SECONDS: Final = 30.0
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0
"""Longer ones are cut: whoever asks for more is more likely wrong than patient [ours]."""


class Purpose(Enum):
    """What a request is for."""

    START = "start"
    STATE = "state"
    DATA = "data"


class Quota:
    """Lets requests go as fast as the usage plan allows, and fairly.

    What ends a caller's wait goes first: DATA. STATE and START take turns, so that a crowd that wants to
    start keeps nobody from hearing that its process has ended, nor the other way round. In the
    long run that gives each caller one start, about one look and one fetch: what the quota allows at
    best. Within a purpose, who came first goes first, so that all are polled equally often.

    Times are those of the running event loop.
    """

    def __init__(self, *, requests_per_second: float, burst: int, jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, as `random.random` does."""
        self._rate = requests_per_second
        self._burst = burst
        self._jitter = jitter
        self._queues: dict[Purpose, deque[asyncio.Future[None]]] = {purpose: deque() for purpose in Purpose}
        self._start_is_next = True
        self._tokens = float(burst)
        self._counted_at = 0.0
        self._paused_until = 0.0
        self._refusals = 0
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, purpose: Purpose, *, again: bool = False) -> None:
        """Return when a request may be sent. `again`: it was refused, and keeps its place."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues[purpose]
        if again:
            queue.appendleft(turn)
        else:
            queue.append(turn)
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            raise

    def accepted(self) -> None:
        """A request was let through: the quota is what it should be."""
        self._refusals = 0

    def refused(self, retry_after_seconds: float | None) -> None:
        """A request was refused with 429: somebody else uses the quota, too. All wait, longer each time.

        Requests that were on their way together are refused together; that counts once.
        """
        now = asyncio.get_running_loop().time()
        if now < self._paused_until:
            return
        seconds = backoff_seconds(self._refusals, self._jitter())
        if retry_after_seconds is not None:
            seconds = max(seconds, min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        self._refusals += 1
        self._tokens = 0.0
        self._counted_at = self._paused_until = now + seconds
        self._go_on()

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return sum(map(len, self._queues.values()))

    def _go_on(self) -> None:
        """Let go whom the quota allows, and come back when it allows the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        self._refill(loop.time())
        for turn in self._in_order():
            self._tokens -= 1
            turn.set_result(None)
        if self.waiting:
            missing = max(0.0, 1 - self._tokens) / self._rate
            self._timer = loop.call_at(max(self._counted_at, loop.time()) + missing, self._go_on)

    def _refill(self, now: float) -> None:
        if now > self._counted_at:
            self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
            self._counted_at = now

    def _in_order(self) -> Iterator[asyncio.Future[None]]:
        # A little less than one: a timer that is due can be a rounding error early.
        while self._tokens > 1 - 1e-9 and self.waiting:
            turn = self._queues[self._next_purpose()].popleft()
            if not turn.done():  # its caller has just given up
                yield turn

    def _next_purpose(self) -> Purpose:
        if self._queues[Purpose.DATA]:
            return Purpose.DATA
        start, state = (bool(self._queues[purpose]) for purpose in (Purpose.START, Purpose.STATE))
        chosen = Purpose.START if start and (self._start_is_next or not state) else Purpose.STATE
        self._start_is_next = chosen is Purpose.STATE
        return chosen


def backoff_seconds(failures: int, jitter: float) -> float:
    """Doubles with each failure before it; half of it is left to chance, so that nobody retries in step."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 30))
    return longest * (0.5 + 0.5 * jitter)
