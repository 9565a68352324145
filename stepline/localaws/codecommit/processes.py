"""The git processes that run while a client waits, so that none outlives the service."""

from __future__ import annotations

import os
import signal
import threading


class ProcessGroups:
    """Leaders of process groups that are running. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._running: set[int] = set()
        self._closed = False

    @property
    def running(self) -> frozenset[int]:
        with self._lock:
            return frozenset(self._running)

    @property
    def closed(self) -> bool:
        with self._lock:
            return self._closed

    def add(self, process_group: int) -> None:
        """A group that comes after `close` is killed at once."""
        with self._lock:
            self._running.add(process_group)
            closed = self._closed
        if closed:
            signal_group(process_group, signal.SIGKILL)

    def discard(self, process_group: int | None) -> None:
        """The group has ended, and nothing of it is left to do."""
        with self._lock:
            self._running -= {process_group}
            self._lock.notify_all()

    def close(self, *, grace_seconds: float) -> None:
        """End every group: ask it to end, and after `grace_seconds` make it.

        Waits for those who started them to say `discard`, which they do when all is cleaned up.
        """
        with self._lock:
            self._closed = True
            for group in self._running:
                signal_group(group, signal.SIGTERM)
            self._lock.wait_for(lambda: not self._running, grace_seconds)
            for group in self._running:
                signal_group(group, signal.SIGKILL)


def signal_group(process_group: int, number: int) -> bool:
    """Send a signal (0: none) to a process group. False if the group is gone."""
    try:
        os.killpg(process_group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group whose only member is a zombie
        return False
    return True
