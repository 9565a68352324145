"""The clocks of the local AWS: the system's, and a virtual one that is advanced explicitly.

Everything in the local AWS that waits (a job's 20 minutes, Lambda's retry after one minute, the next poll of
a pipeline) schedules a callback on its `Clock`. With a `VirtualClock` a day passes in milliseconds, on one
thread, in a reproducible order.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Protocol

Callback = Callable[[], None]

_log = logging.getLogger(__name__)


class Timer:
    """A scheduled callback."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Prevent the callback, unless it has started. May be called twice."""
        self.cancelled = True
        self.callback = _do_nothing  # frees what the callback refers to


def _do_nothing() -> None:
    """The callback of a cancelled timer."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Run `callback` in the background after `seconds`; 0 means as soon as possible."""


class VirtualClock:
    """A clock that moves only by `step`, `advance` and `run`. Callbacks run on the thread that calls these.

    Callbacks due at the same time run in the order in which they were scheduled.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Timer]] = []

    def now(self) -> datetime:
        return self._now

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._due, (self._now + timedelta(seconds=seconds), next(self._order), timer))
        return timer

    def step(self) -> bool:
        """Advance the time to the next callback and run it. Return False if none is scheduled."""
        if self._next_due() is None:
            return False
        due, _, timer = heapq.heappop(self._due)
        self._now = max(self._now, due)
        timer.callback()
        return True

    def advance(self, seconds: float) -> None:
        """Advance the time by `seconds`, running the callbacks that become due."""
        end = self._now + timedelta(seconds=seconds)
        while (due := self._next_due()) is not None and due <= end:
            self.step()
        self._now = max(self._now, end)

    def run(self, *, until: Callable[[], bool] | None = None, max_steps: int = 1_000_000) -> None:
        """Run callbacks until `until()` is true or none is scheduled.

        Raises RuntimeError after `max_steps` callbacks, as a callback that reschedules itself never ends.
        """
        for _ in range(max_steps):
            if (until is not None and until()) or not self.step():
                return
        raise RuntimeError(f"still busy after {max_steps} callbacks")

    def _next_due(self) -> datetime | None:
        """Return when the next callback that is not cancelled is due."""
        while self._due and self._due[0][2].cancelled:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None


class SystemClock:
    """The system's clock: one timer thread, and a thread pool that runs the callbacks."""

    def __init__(self, *, max_workers: int = 32) -> None:
        self._condition = threading.Condition()
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Timer]] = []
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=max_workers, thread_name_prefix="stepline-clock")
        self._thread = threading.Thread(target=self._run, name="stepline-clock", daemon=True)
        self._thread.start()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        timer = Timer(callback)
        with self._condition:
            heapq.heappush(self._due, (self.now() + timedelta(seconds=seconds), next(self._order), timer))
            self._condition.notify()
        return timer

    def close(self) -> None:
        """Stop the clock: drop scheduled callbacks, and do not wait for running ones."""
        with self._condition:
            self._closed = True
            self._due.clear()
            self._condition.notify()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        with self._condition:
            while not self._closed:
                if not self._due:
                    self._condition.wait()
                    continue
                due, _, timer = self._due[0]
                wait_seconds = (due - self.now()).total_seconds()
                if wait_seconds > 0:
                    self._condition.wait(wait_seconds)
                    continue
                heapq.heappop(self._due)
                if not timer.cancelled:
                    self._pool.submit(_run_callback, timer.callback)


def _run_callback(callback: Callback) -> None:
    try:
        callback()
    except Exception:
        _log.exception("background task failed")
