"""Calls the REST API of the process: start, state and data. Each request waits for its turn in the quota.

Retries:

- 429, throttled by the usage plan: until the caller's time-out. The request has not reached the process.
- 503, and refused connections: a few times. Neither has started a process.
- Any other failure: a few times for state and data, never for a start, which may have happened.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx

from statemachines.process.sample_service.errors import (
    InvalidRequestError,
    ProcessError,
    RejectedError,
    UnavailableError,
    UnexpectedResponseError,
    UnknownOutcomeError,
)
from statemachines.process.sample_service.quota import (
    LONGEST_RETRY_AFTER_SECONDS,
    Purpose,
    Quota,
    backoff_seconds,
)
from stepline.core import strict_json
from stepline.core.executions.describe import Status

READ_TIMEOUT_SECONDS: Final = 35.0
"""API Gateway itself stops waiting after 29 s.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""
CONNECT_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 2.0
"""How long an idle connection is used [ours]. The local AWS closes one after 5 s; if that happens during a
start, the outcome of the start is unknown."""
MAX_FAILURES: Final = 5
"""Of one request in a row, within about 15 s [ours]."""

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_REJECTED: Final = frozenset({400, 404, 413})

Result = TypeVar("Result")


@dataclass(frozen=True)
class ProcessState:
    """`error` and `cause` are those of a failed process, if it has any."""

    status: Status
    error: str | None = None
    cause: str | None = None


class ProcessApi:
    """The REST API of the process. All methods raise the `ProcessError`s of `errors`."""

    def __init__(self, http: httpx.AsyncClient, quota: Quota, *, jitter: Callable[[], float]) -> None:
        """`http` is a client with the base URL and the API key (`http_client`)."""
        self._http = http
        self._quota = quota
        self._jitter = jitter

    async def start(self, process_input: Mapping[str, Any], on_started: Callable[[str], None]) -> str:
        """Start the process and return its transaction id.

        `on_started` gets the id even if the caller is cancelled meanwhile: the id of a started process is
        never lost.
        """

        async def send() -> str:
            response = await self._send("POST", "/start-process", json={"processInput": process_input})
            transaction_id = _parse_transaction_id(_parse_object(response))
            on_started(transaction_id)
            return transaction_id

        return await self._retry(
            Purpose.START,
            lambda: _defer_cancellation(send()),
            may_retry=lambda error: isinstance(error, _NotSentError),
        )

    async def read_state(self, transaction_id: str) -> ProcessState:
        async def send() -> ProcessState:
            return _parse_state(_parse_object(await self._get("/process-state", transaction_id)))

        return await self._retry(Purpose.STATE, send)

    async def read_data(self, transaction_id: str) -> dict[str, Any]:
        async def send() -> dict[str, Any]:
            return _parse_object(await self._get("/process-data", transaction_id))

        return await self._retry(Purpose.DATA, send)

    async def _get(self, path: str, transaction_id: str) -> httpx.Response:
        return await self._send("GET", path, params={"transactionId": transaction_id})

    async def _retry(
        self,
        purpose: Purpose,
        send: Callable[[], Coroutine[Any, Any, Result]],
        *,
        may_retry: Callable[[Exception], bool] = lambda _: True,
    ) -> Result:
        failures = 0
        for attempt in itertools.count():
            await self._quota.acquire(purpose, again=attempt > 0)
            try:
                return await send()
            except _ThrottledError as error:
                self._quota.report_throttled(error.retry_after_seconds)
            except _TransientError as error:
                failures += 1
                if not may_retry(error):
                    raise UnknownOutcomeError(f"{error}; the process may have been started") from error
                if failures == MAX_FAILURES:
                    raise UnavailableError(f"{error}, {MAX_FAILURES} times in a row") from error
                seconds = backoff_seconds(failures - 1, self._jitter())
                await asyncio.sleep(max(seconds, error.retry_after_seconds or 0))
        raise AssertionError("unreachable: the number of attempts is not limited")

    async def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Return the response with status 200, or raise an error that says whether to retry."""
        try:
            response = await self._http.request(method, path, **arguments)
        except _NOT_SENT as error:
            raise _NotSentError("the process's API cannot be reached") from error
        except httpx.HTTPError as error:
            raise _TransientError("the process's API did not respond") from error
        if response.status_code != 429:
            self._quota.report_accepted()
        if response.status_code != 200:
            raise _error_of(response)
        return response


class _TransientError(ProcessError):
    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class _NotSentError(_TransientError):
    """The request has certainly not started a process."""


class _ThrottledError(_TransientError):
    """The usage plan has throttled the request."""


def http_client(base_url: str, api_key: str, **arguments: Any) -> httpx.AsyncClient:
    """Create a client for `ProcessApi`. It does not follow redirects, which could leak the API key."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"x-api-key": api_key, "accept": "application/json"},
        timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
        follow_redirects=False,
        **arguments,
    )


def validate_transaction_id(text: str) -> str:
    """Return the transaction id in its canonical form. Raises InvalidRequestError."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidRequestError(
            "the transactionId must be a UUID, as in the response to POST /p1"
        ) from None


async def _defer_cancellation(sending: Coroutine[Any, Any, Result]) -> Result:
    """Await `sending`; if the caller is cancelled, wait until it has ended before cancelling."""
    task = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # marks it as retrieved, so that asyncio does not log it
        raise


def _error_of(response: httpx.Response) -> ProcessError:
    status = response.status_code
    retry_after = _parse_retry_after(response)
    if status == 429:
        return _ThrottledError("the usage plan throttles requests", retry_after_seconds=retry_after)
    if status == 503:
        return _NotSentError("the process's API returns 503", retry_after_seconds=retry_after)
    if status >= 500 or status == 408:
        return _TransientError(f"the process's API returns {status}")
    if status in {401, 403}:
        return UnexpectedResponseError(f"the process's API returns {status}: check the API key")
    if status in _REJECTED:
        members = _object(response) or {}
        error, message = members.get("error"), members.get("message")
        if isinstance(error, str) and isinstance(message, str):
            return RejectedError(status, error, message)
    return UnexpectedResponseError(f"the process's API returns {status}: check its URL")


def _parse_retry_after(response: httpx.Response) -> float | None:
    """Return seconds; None for a date, which neither API Gateway nor the facade sends."""
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER_SECONDS) if text.isascii() and text.isdigit() else None


def _object(response: httpx.Response) -> dict[str, Any] | None:
    """Return the JSON object in the body; None for any other body."""
    try:
        document = strict_json.loads(response.content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _parse_object(response: httpx.Response) -> dict[str, Any]:
    document = _object(response)
    if document is None:
        raise UnexpectedResponseError("the process's API returns 200 without a JSON object: check its URL")
    return document


def _parse_transaction_id(document: Mapping[str, Any]) -> str:
    try:
        return str(UUID(document.get("transactionId")))
    except (ValueError, TypeError, AttributeError):
        raise UnexpectedResponseError(
            "the process's API started a process, but returned no transactionId"
        ) from None


def _parse_state(document: Mapping[str, Any]) -> ProcessState:
    status = document.get("status")
    if not isinstance(status, str) or not status:
        raise UnexpectedResponseError("the process's API returned no status")
    error, cause = document.get("error"), document.get("cause")
    return ProcessState(
        Status(status), error if isinstance(error, str) else None, cause if isinstance(cause, str) else None
    )
