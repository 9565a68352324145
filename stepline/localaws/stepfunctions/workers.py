"""A pool of operating system threads, since creating one costs more than most of what runs on it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

Target = Callable[[], None]

_MAX_IDLE = 32
"""More than the threads that one execution has at a time; further idle ones end."""

_idle: list[_Worker] = []  # append and pop are atomic
# A child process inherits this list without the threads.
os.register_at_fork(after_in_child=_idle.clear)


def run_on_thread(target: Target) -> None:
    """Run `target`, which must not raise, on an idle daemon thread or a new one."""
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.assign(target)
        worker.start()
    else:
        worker.assign(target)


class _Worker(threading.Thread):
    """Runs one target after the other."""

    def __init__(self) -> None:
        super().__init__(name="stepline-execution", daemon=True)
        self._target_to_run: Target | None = None
        self._assigned = threading.Lock()
        self._assigned.acquire()

    def assign(self, target: Target) -> None:
        self._target_to_run = target
        self._assigned.release()

    def run(self) -> None:
        while True:
            self._assigned.acquire()
            target, self._target_to_run = self._target_to_run, None
            if target is not None:
                target()
            del target  # frees what it refers to
            if len(_idle) >= _MAX_IDLE:
                return
            _idle.append(self)
