"""A limit on the tasks of all executions that run at the same time.

AWS delays the state transitions of an account that makes too many [Step Functions quotas, "State
throttling"]; here the limit is the processors of one machine. A task that waits for a slot has not been
scheduled yet, so its time-out does not run.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from stepline.localaws.stepfunctions.settings import CONCURRENT_TASKS, MAX_STALL_SECONDS


class Wait(Protocol):
    """`Threads.wait`."""

    def __call__(self, condition: Callable[[], bool], seconds: float | None = None) -> bool: ...


@dataclass(eq=False)
class _Waiter:
    """A task in the queue. `notify` wakes its thread."""

    notify: Callable[[], None]
    may_run: bool = False
    is_first: bool = False


class TaskSlots:
    """A limited number of slots with a queue, first come, first served. Safe to use from several threads."""

    def __init__(
        self, *, count: int = CONCURRENT_TASKS, max_stall_seconds: float = MAX_STALL_SECONDS
    ) -> None:
        self._count = count
        self._max_stall_seconds = max_stall_seconds
        self._lock = threading.Lock()
        self._queue: deque[_Waiter] = deque()
        self._running = 0
        self._changed_at = time.monotonic()

    @contextmanager
    def acquire(self, *, wait: Wait, notify: Callable[[], None]) -> Iterator[None]:
        """Hold a slot, once there is one. `wait` blocks the thread until `notify` is called, or raises."""
        waiter = _Waiter(notify)
        with self._lock:
            self._queue.append(waiter)
            changed = self._advance()
        _notify(changed)
        try:
            self._wait_for_slot(waiter, wait)
            yield
        finally:
            with self._lock:
                self._release(waiter)
                changed = self._advance()
            _notify(changed)

    def _wait_for_slot(self, waiter: _Waiter, wait: Wait) -> None:
        while not waiter.may_run:
            if not waiter.is_first:
                wait(lambda: waiter.may_run or waiter.is_first)
            elif not wait(lambda: waiter.may_run, self._max_stall_seconds):
                with self._lock:
                    stalled = time.monotonic() - self._changed_at >= self._max_stall_seconds
                    changed = self._advance(is_stalled=stalled)
                _notify(changed)

    def _advance(self, *, is_stalled: bool = False) -> list[_Waiter]:
        """Give slots to the first waiters. Return the waiters that changed, whose threads must be woken."""
        changed = []
        while self._queue and (self._running < self._count or is_stalled):
            waiter = self._queue.popleft()
            waiter.may_run, is_stalled = True, False
            self._running += 1
            self._changed_at = time.monotonic()
            changed.append(waiter)
        if self._queue and not self._queue[0].is_first:
            self._queue[0].is_first = True
            changed.append(self._queue[0])
        return changed

    def _release(self, waiter: _Waiter) -> None:
        if waiter.may_run:
            self._running -= 1
            self._changed_at = time.monotonic()
        else:
            self._queue.remove(waiter)


def _notify(waiters: list[_Waiter]) -> None:
    for waiter in waiters:
        waiter.notify()
