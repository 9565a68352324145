"""Runs processes for callers, and waits until one ends, its time-out passes, or the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from aws_lambda_powertools import Logger

from statemachines.process.sample_service.errors import TooManyWaitingError
from statemachines.process.sample_service.process_api import ProcessApi, ProcessState
from stepline.core.executions.describe import Status

logger: Final = Logger(service="sample-service")


@dataclass(frozen=True)
class Ended:
    """A process that has ended; `data` is None unless it succeeded."""

    transaction_id: str
    state: ProcessState
    data: dict[str, Any] | None


class Reason(Enum):
    TIMEOUT = "the time-out passed"
    STOPPING = "the service is stopping"


@dataclass(frozen=True)
class Unfinished:
    """A wait that ended before the process; `transaction_id` is None if the process was not started."""

    transaction_id: str | None
    reason: Reason


@dataclass
class Caller:
    """A caller that waits; `transaction_id` is None until its process is started."""

    transaction_id: str | None = None
    timeout: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    def set_transaction_id(self, transaction_id: str) -> None:
        self.transaction_id = transaction_id


class Waiter:
    """Raises `TooManyWaitingError` and the `ProcessError`s of `ProcessApi`.

    Cancel the call of a caller that leaves: polling stops, and the process continues.
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
        """The number of callers that wait."""
        return len(self._callers)

    @property
    def running(self) -> int:
        """The number of waiting callers whose process is started."""
        return sum(caller.transaction_id is not None for caller in self._callers.values())

    @property
    def stopping(self) -> bool:
        return self._stopping

    async def run(self, process_input: Mapping[str, Any], caller: Caller) -> Ended | Unfinished:
        """Start a process and wait until it ends.

        After an error, `caller.transaction_id` is set if the process was started.
        """

        async def start_and_wait() -> Ended:
            transaction_id = await self._api.start(process_input, caller.set_transaction_id)
            logger.info("Process started", transaction_id=transaction_id)
            await asyncio.sleep(self._poll_seconds)
            return await self._wait_for_end(transaction_id)

        return await self._within_limits(caller, start_and_wait)

    async def resume(self, transaction_id: str) -> Ended | Unfinished:
        """Wait for the end of a process that was started before."""
        caller = Caller(transaction_id)
        return await self._within_limits(caller, lambda: self._wait_for_end(transaction_id))

    def stop(self) -> None:
        """Accept no more callers, and end all waits."""
        self._stopping = True
        now = asyncio.get_running_loop().time()
        for caller in self._callers.values():
            if not caller.timeout.expired():
                caller.timeout.reschedule(now)

    async def _wait_for_end(self, transaction_id: str) -> Ended:
        while (state := await self._api.read_state(transaction_id)).status.is_open:
            await asyncio.sleep(self._poll_seconds)
        succeeded = state.status is Status.SUCCEEDED
        data = await self._api.read_data(transaction_id) if succeeded else None
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
            async with asyncio.timeout(self._timeout_seconds) as caller.timeout:
                return await work()
        except TimeoutError:
            reason = Reason.STOPPING if self._stopping else Reason.TIMEOUT
            logger.info("Wait ended", transaction_id=caller.transaction_id, reason=reason.name)
            return Unfinished(caller.transaction_id, reason)
        except asyncio.CancelledError:
            logger.info("Caller disconnected", transaction_id=caller.transaction_id)
            raise
        finally:
            del self._callers[id(caller)]
