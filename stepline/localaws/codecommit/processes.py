"""Keeps track of the git processes that serve clients, so that none outlives the service."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress


class ProcessGroups:
    """The running process groups, by the IDs of their leaders. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self.running: set[int] = set()
        self.closed = False

    def add(self, process_group: int) -> None:
        """Add a process group; after `close` it is killed at once."""
        with self._lock:
            self.running.add(process_group)
            if self.closed:
                signal_group(process_group, signal.SIGKILL)

    def discard(self, process_group: int | None) -> None:
        """Remove a process group that has ended and was cleaned up."""
        with self._lock:
            self.running -= {process_group}
            self._lock.notify_all()

    def close(self, *, grace_seconds: float) -> None:
        """Send SIGTERM to all process groups, wait until they are discarded, and kill those that remain."""
        with self._lock:
            self.closed = True
            for group in self.running:
                signal_group(group, signal.SIGTERM)
            self._lock.wait_for(lambda: not self.running, grace_seconds)
            for group in self.running:
                signal_group(group, signal.SIGKILL)


def signal_group(process_group: int, number: int) -> None:
    """Send a signal to a process group, if it exists."""
    # macOS raises PermissionError for a group whose only member is a zombie
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_group, number)
