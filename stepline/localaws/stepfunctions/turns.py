"""Turns: how many tasks of all executions run at a time.

AWS delays the state transitions of an account that makes too many [Step Functions quotas, "State
throttling"]; here the processors of one machine are the limit. A task that waits for its turn has
not been scheduled yet, so its time-out does not run.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

WIDTH = 16
"""Tasks that run at a time: more than the processors of most machines, since a task also waits."""

PATIENCE_SECONDS = 1.0
"""If none ends for so long, one more may run: the tasks may be waiting for one that waits in line."""


class Wait(Protocol):
    """`Threads.wait`."""

    def __call__(self, condition: Callable[[], bool], seconds: float | None = None) -> bool: ...


@dataclass(eq=False)
class _Place:
    """A place in the line. `notify` wakes the one who waits there."""

    notify: Callable[[], None]
    may_go: bool = False
    is_first: bool = False


class Turns:
    """A line, first come, first served. Safe to use from several threads."""

    def __init__(self, *, width: int = WIDTH, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._width = width
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._line: deque[_Place] = deque()
        self._running = 0
        self._moved_at = time.monotonic()

    @contextmanager
    def take(self, *, wait: Wait, notify: Callable[[], None]) -> Iterator[None]:
        """A turn, when it has come. `wait` blocks the thread until `notify` is called, or raises."""
        place = _Place(notify)
        with self._lock:
            self._line.append(place)
            woken = self._move()
        _wake(woken)
        try:
            self._stand(place, wait)
            yield
        finally:
            with self._lock:
                self._leave(place)
                woken = self._move()
            _wake(woken)

    def _stand(self, place: _Place, wait: Wait) -> None:
        while not place.may_go:
            if not place.is_first:
                wait(lambda: place.may_go or place.is_first)
            elif not wait(lambda: place.may_go, self._patience_seconds):
                with self._lock:
                    woken = self._move(is_stuck=time.monotonic() - self._moved_at >= self._patience_seconds)
                _wake(woken)

    def _move(self, *, is_stuck: bool = False) -> list[_Place]:
        """Let go who may; those whose place has changed, to be woken."""
        changed = []
        while self._line and (self._running < self._width or is_stuck):
            place = self._line.popleft()
            place.may_go, is_stuck = True, False
            self._running += 1
            self._moved_at = time.monotonic()
            changed.append(place)
        if self._line and not self._line[0].is_first:
            self._line[0].is_first = True
            changed.append(self._line[0])
        return changed

    def _leave(self, place: _Place) -> None:
        if place.may_go:
            self._running -= 1
            self._moved_at = time.monotonic()
        else:
            self._line.remove(place)


def _wake(places: list[_Place]) -> None:
    for place in places:
        place.notify()
