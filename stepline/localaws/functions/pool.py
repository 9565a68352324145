"""The execution environments of one function: assigned in order, and started when needed.

Lambda starts an environment for each invocation that finds none idle. Locally they share the processors of
one machine, where more processes than processors make nothing faster, and each takes 50 MB. So a function has
as many environments as there are processors, and invocations queue. If all environments are themselves
waiting (for an Express execution, for another function), none is released for a while; then one more is
started, so that invocations that wait for each other do not deadlock.

Call every method with the runner's lock held.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future

from stepline.localaws.functions.execution_environment import ExecutionEnvironment
from stepline.localaws.functions.settings import MAX_ENVIRONMENTS, USUAL_ENVIRONMENTS

Assignment = Future[ExecutionEnvironment | None]
"""An environment, or None: then the invocation starts one and passes it to `Pool.add`."""


class Pool:
    """`size` counts the environments that run and those that invocations are starting."""

    def __init__(self, *, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._changed_at = time.monotonic()
        self._members: set[ExecutionEnvironment] = set()
        self._queue: deque[Assignment] = deque()
        self.idle: list[ExecutionEnvironment] = []
        self.size = 0

    def acquire(self) -> Assignment:
        """Assign an idle environment or a new one, or queue until there is one."""
        assignment = Assignment()
        if self.idle:
            assignment.set_result(self.idle.pop())
        elif self.size < USUAL_ENVIRONMENTS:
            self._assign_new(assignment)
        else:
            self._queue.append(assignment)
        return assignment

    def remove_dead(self) -> list[ExecutionEnvironment]:
        """Remove and return the idle environments whose process has ended."""
        dead = [environment for environment in self.idle if not environment.alive]
        self.idle = [environment for environment in self.idle if environment.alive]
        return dead

    def grow_if_stalled(self) -> None:
        """Let the first in the queue start an environment if none was released for a while."""
        is_stalled = time.monotonic() - self._changed_at >= self._stall_seconds
        is_starting = len(self._members) < self.size or any(not member.ready for member in self._members)
        if self._queue and is_stalled and not is_starting and self.size < MAX_ENVIRONMENTS:
            self._assign_new(self._queue.popleft())

    def add(self, environment: ExecutionEnvironment) -> None:
        """Add an environment that was started for an assignment of None."""
        self._members.add(environment)

    def release(self, environment: ExecutionEnvironment) -> None:
        """Assign the environment to the first in the queue, or keep it idle."""
        self._changed_at = time.monotonic()
        if self._queue:
            self._queue.popleft().set_result(environment)
        else:
            environment.idle_since = self._changed_at
            self.idle.append(environment)

    def lose(self, environment: ExecutionEnvironment | None = None) -> None:
        """Count an environment out that has ended, or None that could not be started."""
        if environment is not None:
            self._members.discard(environment)
        self.size -= 1
        if self._queue:
            self._assign_new(self._queue.popleft())

    def close(self, error: Exception) -> None:
        """Fail the assignments in the queue with `error`."""
        while self._queue:
            self._queue.popleft().set_exception(error)

    def _assign_new(self, assignment: Assignment) -> None:
        self.size += 1
        self._changed_at = time.monotonic()
        assignment.set_result(None)
