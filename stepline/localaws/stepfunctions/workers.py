"""Operating system threads that are used again, since a new one costs more than most of what they run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

Job = Callable[[], None]

_MAX_IDLE = 32
"""More than the threads that one execution has at a time; the others end when they have nothing to do."""

_idle: list[_Worker] = []  # append and pop are atomic
# A child process has this list, but none of the threads.
os.register_at_fork(after_in_child=_idle.clear)


def run_on_a_thread(job: Job) -> None:
    """Run `job`, which must not raise, on a daemon thread: one that has nothing to do, or a new one."""
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.give(job)
        worker.start()
    else:
        worker.give(job)


class _Worker(threading.Thread):
    """Does one job after the other."""

    def __init__(self) -> None:
        super().__init__(name="stepline-execution", daemon=True)
        self._job: Job | None = None
        self._given = threading.Lock()
        self._given.acquire()

    def give(self, job: Job) -> None:
        self._job = job
        self._given.release()

    def run(self) -> None:
        while True:
            self._given.acquire()
            job, self._job = self._job, None
            if job is not None:
                job()
            del job  # what it holds is free now, not only with the next one
            if len(_idle) >= _MAX_IDLE:
                return
            _idle.append(self)
