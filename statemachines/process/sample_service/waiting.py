"""Callers that wait for their processes, until one ends, their time is over, or the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from aws_lambda_powertools import Logger

from statemachines.process.sample_service.errors import TooManyWaitingError
from statemachines.process.sample_service.process_api import ProcessApi, ProcessState

logger: Final = Logger(service="sample-service")


@dataclass(frozen=True)
class Ended:
    """The process has ended; `data` are there if it succeeded."""

    transaction_id: str
    state: ProcessState
    data: dict[str, Any] | None


class Reason(Enum):
    TIME_IS_OVER = "the time to wait is over"
    STOPPING = "the service is being stopped"


@dataclass(frozen=True)
class Unfinished:
    """The wait ended before the process. Without a transaction id it had not even been started."""

    transaction_id: str | None
    reason: Reason


@dataclass
class Caller:
    """Who waits, and what is known of the process."""

    transaction_id: str | None = None
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    def started(self, transaction_id: str) -> None:
        self.transaction_id = transaction_id


class WaitingRoom:
    """Raises `TooManyWaitingError` and the `ProcessError`s of `ProcessApi`.

    If a caller leaves, cancel its call: nothing more is asked for it, and its process goes on by itself.
    """

    def __init__(
        self, api: ProcessApi, *, timeout_seconds: float, poll_seconds: float, max_waiting: int
    ) -> None:
        self._api = api
        self._timeout_seconds = timeout_seconds
        self._poll_seconds = poll_seconds
        self._max_waiting = max_waiting
        self._callers: dict[int, Caller] = {}
        self._stopping = False

    @property
    def waiting(self) -> int:
        """Callers that wait."""
        return len(self._callers)

    @property
    def running(self) -> int:
        """Those of them whose process has been started."""
        return sum(caller.transaction_id is not None for caller in self._callers.values())

    @property
    def stopping(self) -> bool:
        return self._stopping

    async def run(self, process_input: Mapping[str, Any], caller: Caller) -> Ended | Unfinished:
        """Start the process and wait for its end.

        If this raises, `caller.transaction_id` tells whether it was started.
        """

        async def start_and_follow() -> Ended:
            transaction_id = await self._api.start(process_input, caller.started)
            logger.info("Process started", transaction_id=transaction_id)
            await asyncio.sleep(self._poll_seconds)
            return await self._follow(transaction_id)

        return await self._within_limits(caller, start_and_follow)

    async def resume(self, transaction_id: str) -> Ended | Unfinished:
        """Wait for the end of a process that was started before."""
        caller = Caller(transaction_id)
        return await self._within_limits(caller, lambda: self._follow(transaction_id))

    def stop(self) -> None:
        """Take nobody in any more, and send away who waits."""
        self._stopping = True
        now = asyncio.get_running_loop().time()
        for caller in self._callers.values():
            if not caller.limit.expired():
                caller.limit.reschedule(now)

    async def _follow(self, transaction_id: str) -> Ended:
        while (state := await self._api.state(transaction_id)).status.running:
            await asyncio.sleep(self._poll_seconds)
        data = None
        if state.status.succeeded:
            data = await self._api.data(transaction_id)
        logger.info("Process ended", transaction_id=transaction_id, status=state.status.value)
        return Ended(transaction_id, state, data)

    async def _within_limits(
        self, caller: Caller, work: Callable[[], Awaitable[Ended]]
    ) -> Ended | Unfinished:
        if self._stopping:
            return Unfinished(caller.transaction_id, Reason.STOPPING)
        if self.waiting >= self._max_waiting:
            raise TooManyWaitingError(f"{self.waiting} callers are waiting already")
        self._callers[id(caller)] = caller
        try:
            async with asyncio.timeout(self._timeout_seconds) as caller.limit:
                return await work()
        except TimeoutError:
            reason = Reason.STOPPING if self._stopping else Reason.TIME_IS_OVER
            logger.info("Wait given up", transaction_id=caller.transaction_id, reason=reason.name)
            return Unfinished(caller.transaction_id, reason)
        except asyncio.CancelledError:
            logger.info("Caller left", transaction_id=caller.transaction_id)
            raise
        finally:
            del self._callers[id(caller)]
