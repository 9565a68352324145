"""The process's REST API: start, state, data. Every request waits for its turn in the quota.

What is tried again, and what is not:

- 429, the usage plan's refusal: until the caller's time is over. The request never got to the process.
- 503, and a connection that was refused: a few times. Neither started anything.
- Any other failure to answer: a few times for state and data, never for a start, which may have happened.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx

from statemachines.process.sample_service.errors import (
    InvalidRequestError,
    ProcessError,
    RefusedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
)
from statemachines.process.sample_service.quota import (
    LONGEST_RETRY_AFTER_SECONDS,
    Purpose,
    Quota,
    backoff_seconds,
)
from stepline.core import strict_json

ANSWER_SECONDS: Final = 35.0
"""For one answer. API Gateway itself gives up after 29 s.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""
CONNECT_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 2.0
"""For which an idle connection is used again [ours]: a server that closes it just as a start is sent leaves
open whether it was started, and the local AWS closes after 5 s."""
ATTEMPTS: Final = 5
"""Of a request whose failure may be over soon: about 15 s in all [ours]."""

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_CALLERS_MISTAKES: Final = frozenset({400, 404, 413})

Result = TypeVar("Result")


class Status(StrEnum):
    """Of an execution, as Step Functions names it; PENDING_REDRIVE is RUNNING to who waits for it."""

    RUNNING = "RUNNING"
    PENDING_REDRIVE = "PENDING_REDRIVE"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"

    @property
    def running(self) -> bool:
        return self in {Status.RUNNING, Status.PENDING_REDRIVE}

    @property
    def succeeded(self) -> bool:
        return self is Status.SUCCEEDED


@dataclass(frozen=True)
class ProcessState:
    """`error` and `cause` are those of a process that failed, as far as there are any."""

    status: Status
    error: str | None = None
    cause: str | None = None


class ProcessApi:
    """Raises the `ProcessError`s of `errors`."""

    def __init__(self, http: httpx.AsyncClient, quota: Quota, *, jitter: Callable[[], float]) -> None:
        """`http` knows the base address and the API key (`http_client`)."""
        self._http = http
        self._quota = quota
        self._jitter = jitter

    async def start(self, process_input: Mapping[str, Any], started: Callable[[str], None]) -> str:
        """Start the process and return its transaction id.

        `started` is told the id, too, before a cancellation takes effect: what is started is never forgotten.
        """

        async def send() -> str:
            answer = await self._send("POST", "/start-process", json={"processInput": process_input})
            identifier = _transaction_id(_document(answer))
            started(identifier)
            return identifier

        return await self._until_answered(
            Purpose.START,
            lambda: _finished(send()),
            may_repeat=lambda error: isinstance(error, _NotSentError),
        )

    async def state(self, transaction_id: str) -> ProcessState:
        """How the process is."""

        async def send() -> ProcessState:
            return _state(_document(await self._get("/process-state", transaction_id)))

        return await self._until_answered(Purpose.STATE, send)

    async def data(self, transaction_id: str) -> dict[str, Any]:
        """The data document of the process."""

        async def send() -> dict[str, Any]:
            return _document(await self._get("/process-data", transaction_id))

        return await self._until_answered(Purpose.DATA, send)

    async def _get(self, path: str, transaction_id: str) -> httpx.Response:
        return await self._send("GET", path, params={"transactionId": transaction_id})

    async def _until_answered(
        self,
        purpose: Purpose,
        send: Callable[[], Coroutine[Any, Any, Result]],
        *,
        may_repeat: Callable[[Exception], bool] = lambda _: True,
    ) -> Result:
        failures = 0
        for attempt in itertools.count():
            await self._quota.turn(purpose, again=attempt > 0)
            try:
                return await send()
            except _ThrottledError as error:
                self._quota.refused(error.retry_after_seconds)
            except _TemporaryError as error:
                failures += 1
                if not may_repeat(error):
                    raise UnknownOutcomeError(f"{error}; the process may have been started") from error
                if failures == ATTEMPTS:
                    raise UnavailableError(f"{error}, {ATTEMPTS} times in a row") from error
                seconds = backoff_seconds(failures - 1, self._jitter())
                await asyncio.sleep(max(seconds, error.retry_after_seconds or 0))
        raise AssertionError("unreachable: the attempts have no end")

    async def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """The answer with status 200; errors by whether it makes sense to try again."""
        try:
            response = await self._http.request(method, path, **arguments)
        except _NOT_SENT as error:
            raise _NotSentError("the process's API cannot be reached") from error
        except httpx.HTTPError as error:
            raise _TemporaryError("the process's API did not answer") from error
        if response.status_code != 429:
            self._quota.accepted()
        if response.status_code != 200:
            raise _failure(response)
        return response


class _TemporaryError(ProcessError):
    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class _NotSentError(_TemporaryError):
    """The process has certainly not been started by this."""


class _ThrottledError(ProcessError):
    def __init__(self, retry_after_seconds: float | None) -> None:
        super().__init__("the usage plan's quota is used up")
        self.retry_after_seconds = retry_after_seconds


def http_client(base_url: str, api_key: str, **arguments: Any) -> httpx.AsyncClient:
    """A client for `ProcessApi`. It follows no redirects, which could carry the API key elsewhere."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"x-api-key": api_key, "accept": "application/json"},
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
        follow_redirects=False,
        **arguments,
    )


def check_transaction_id(text: str) -> str:
    """`text`, if it can be a transaction id; only such a one may get into a request to the API."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidRequestError(
            "the transactionId must be a UUID, as the answer to POST /p1 has it"
        ) from None


async def _finished(sending: Coroutine[Any, Any, Result]) -> Result:
    """Like `await sending`, but a cancellation takes effect only when it is done."""
    task = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at, so that nobody complains about it
        raise


def _failure(response: httpx.Response) -> ProcessError:
    status = response.status_code
    retry_after = _retry_after(response)
    if status == 429:
        return _ThrottledError(retry_after)
    if status == 503:
        return _NotSentError("the process's API answers 503", retry_after_seconds=retry_after)
    if status >= 500 or status == 408:
        return _TemporaryError(f"the process's API answers {status}")
    if status in {401, 403}:
        return UnexpectedAnswerError(
            f"the process's API refuses this service with {status}: check its API key"
        )
    if status in _CALLERS_MISTAKES:
        members = _members(response)
        error, message = members.get("error"), members.get("message")
        if isinstance(error, str) and isinstance(message, str):
            return RefusedError(status, error, message)
    return UnexpectedAnswerError(f"the process's API answers {status}: check its address")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds; a date, the header's other form, is left out: neither API Gateway nor the facade sends it."""
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER_SECONDS) if text.isascii() and text.isdigit() else None


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = strict_json.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise UnexpectedAnswerError("the process's API answers 200 without a JSON object: check its address")
    return document


def _members(response: httpx.Response) -> dict[str, Any]:
    try:
        return _document(response)
    except UnexpectedAnswerError:
        return {}


def _transaction_id(document: Mapping[str, Any]) -> str:
    try:
        return str(UUID(document.get("transactionId")))
    except (ValueError, TypeError, AttributeError):
        raise UnexpectedAnswerError(
            "the process's API started a process, but tells no transactionId"
        ) from None


def _state(document: Mapping[str, Any]) -> ProcessState:
    try:
        status = Status(document.get("status", ""))
    except ValueError:
        raise UnexpectedAnswerError("the process's API tells a status that nobody knows") from None
    return ProcessState(status, _text(document.get("error")), _text(document.get("cause")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
