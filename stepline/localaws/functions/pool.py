"""The execution environments of one function: who gets which, in order, and when another one is started.

Lambda starts an environment for each invocation that finds none idle. Here they share the
processors of one machine, where more processes than processors make nothing faster, and take
50 MB each. So a function has as many as there are processors, and invocations wait in line,
unless the environments are all busy with waiting (for an Express execution, for another
function): when none has been given back for a while, one more is started. So nothing that
waits for another invocation waits for ever.

Every method must be called with the runner's lock held.
"""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import Future

from stepline.localaws.functions.environment import ExecutionEnvironment

MAX_ENVIRONMENTS = 50
"""Of one function, which all wait: so many invocations of it run at a time."""

USUAL_ENVIRONMENTS = min(max(2, os.cpu_count() or 2), 4)
"""Of one function, as long as they are given back. All functions together use the processors."""

PATIENCE_SECONDS = 1.0
"""Without any that was given back, until another one is started."""

Ticket = Future[ExecutionEnvironment | None]
"""A place in the line: an environment, or None, which means to start one."""


class Pool:
    """`size` counts the environments that run, and those that somebody was told to start."""

    def __init__(self, *, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._moved_at = time.monotonic()
        self._members: set[ExecutionEnvironment] = set()
        self._waiting: deque[Ticket] = deque()
        self.idle: list[ExecutionEnvironment] = []
        self.size = 0

    def take(self) -> Ticket:
        """The next environment that is free, or leave to start one: at once, or after those before."""
        ticket = Ticket()
        if self.idle:
            ticket.set_result(self.idle.pop())
        elif self.size < USUAL_ENVIRONMENTS:
            self._let_start(ticket)
        else:
            self._waiting.append(ticket)
        return ticket

    def take_dead(self) -> list[ExecutionEnvironment]:
        """Those that ended while they were idle, which are idle no more."""
        dead = [environment for environment in self.idle if not environment.alive]
        self.idle = [environment for environment in self.idle if environment.alive]
        return dead

    def grow_if_stuck(self) -> None:
        """Let the first in line start an environment if none was given back for a while."""
        is_stuck = time.monotonic() - self._moved_at >= self._patience_seconds
        is_starting = len(self._members) < self.size or any(not member.ready for member in self._members)
        if self._waiting and is_stuck and not is_starting and self.size < MAX_ENVIRONMENTS:
            self._let_start(self._waiting.popleft())

    def add(self, environment: ExecutionEnvironment) -> None:
        """It was started, by leave of a ticket."""
        self._members.add(environment)

    def give_back(self, environment: ExecutionEnvironment) -> None:
        """It is free again."""
        self._moved_at = time.monotonic()
        if self._waiting:
            self._waiting.popleft().set_result(environment)
        else:
            environment.idle_since = self._moved_at
            self.idle.append(environment)

    def lose(self, environment: ExecutionEnvironment | None = None) -> None:
        """One that ran has ended, or one could not be started: the first in line may start another."""
        if environment is not None:
            self._members.discard(environment)
        self.size -= 1
        if self._waiting:
            self._let_start(self._waiting.popleft())

    def close(self, reason: Exception) -> None:
        """Nobody gets one any more."""
        while self._waiting:
            self._waiting.popleft().set_exception(reason)

    def _let_start(self, ticket: Ticket) -> None:
        self.size += 1
        self._moved_at = time.monotonic()
        ticket.set_result(None)
