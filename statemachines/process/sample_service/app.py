"""The HTTP interface: `POST /p1`, `GET /p1/{transactionId}` and `GET /health`; see docs/sample-service.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from statemachines.process.sample_service import process_api
from statemachines.process.sample_service.bodies import BodyReader
from statemachines.process.sample_service.errors import (
    InvalidRequestError,
    ProcessError,
    RejectedError,
    TooManyWaitingError,
    UnavailableError,
)
from statemachines.process.sample_service.waiter import (
    Caller,
    Ended,
    Reason,
    Unfinished,
    Waiter,
    logger,
)
from stepline.core.errors import SteplineError

RETRY_AFTER_SECONDS: Final = 30
"""For responses with status 503 [ours]."""

Content = tuple[int, dict[str, Any]]
"""The status and the document of a response."""
StartUp = Callable[[], AbstractAsyncContextManager[Waiter]]


def create_app(start_up: StartUp) -> Starlette:
    """Create the application; `start_up` provides its waiter from start to stop."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.bodies = BodyReader()
        async with start_up() as app.state.waiter:
            yield

    return Starlette(
        routes=[
            Route("/p1", _start, methods=["POST"]),
            Route("/p1/{transaction_id}", _resume, methods=["GET"]),
            Route("/health", _health, methods=["GET"]),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, Exception: _unexpected_error},
    )


async def _start(request: Request) -> Response:
    waiter, caller = _waiter(request), Caller()
    try:
        process_input = await request.app.state.bodies.read_object(request)
        return await _respond_unless_disconnected(request, waiter.run(process_input, caller))
    except ClientDisconnect:
        return _disconnected()
    except SteplineError as error:
        return _respond(*_error_content(error, caller.transaction_id))


async def _resume(request: Request) -> Response:
    text: str = request.path_params["transaction_id"]
    known = None
    try:
        known = process_api.validate_transaction_id(text)
        return await _respond_unless_disconnected(request, _waiter(request).resume(known))
    except SteplineError as error:
        return _respond(*_error_content(error, known))


async def _health(request: Request) -> Response:
    waiter = _waiter(request)
    status = "stopping" if waiter.stopping else "ok"
    document = {"status": status, "waiting": waiter.waiting, "running": waiter.running}
    return _respond(503 if waiter.stopping else 200, document)


def _waiter(request: Request) -> Waiter:
    waiter: Waiter = request.app.state.waiter
    return waiter


def _content(result: Ended | Unfinished) -> Content:
    return _ended_content(result) if isinstance(result, Ended) else _unfinished_content(result)


def _ended_content(result: Ended) -> Content:
    document: dict[str, Any] = {"transactionId": result.transaction_id, "state": result.state.status.value}
    if result.data is not None:
        return 200, document | {"data": result.data}
    return 400, document | {"error": result.state.error, "cause": result.state.cause}


def _unfinished_content(result: Unfinished) -> Content:
    status, reason, transaction_id = 503, result.reason, result.transaction_id
    if reason is Reason.TIMEOUT:
        status = 504
    if transaction_id is None:
        message = f"{reason.value}; the process was not started: send the request again"
        return status, {"error": "NotStartedError", "message": message}
    message = f"{reason.value}; the process continues: GET /p1/{transaction_id} waits for it again"
    return status, {"transactionId": transaction_id, "error": "NotFinishedError", "message": message}


def _error_content(error: SteplineError, transaction_id: str | None) -> Content:
    known = {} if transaction_id is None else {"transactionId": transaction_id}
    match error:
        case RejectedError():
            return error.status, known | {"error": error.error, "message": error.message}
        case InvalidRequestError():
            status = error.status
        case TooManyWaitingError() | UnavailableError():
            status = 503
        case _:
            status = 502
    if isinstance(error, ProcessError):
        logger.warning("The process's API failed", reason=str(error), transaction_id=transaction_id)
    return status, known | {"error": type(error).__name__, "message": str(error)}


def _respond(status: int, document: Mapping[str, Any]) -> Response:
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    if status in {503, 504} and (transaction_id := document.get("transactionId")):
        headers["location"] = f"/p1/{transaction_id}"
    return JSONResponse(document, status, headers)


async def _respond_unless_disconnected(
    request: Request, wait: Coroutine[Any, Any, Ended | Unfinished]
) -> Response:
    """Await the result and respond; if the caller closes its connection first, cancel the wait."""
    work = asyncio.ensure_future(wait)
    disconnect = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait({work, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        return _respond(*_content(work.result())) if work.done() else _disconnected()
    finally:
        disconnect.cancel()
        work.cancel()
        await asyncio.gather(work, disconnect, return_exceptions=True)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the empty end of a chunked body


def _disconnected() -> Response:
    return Response(status_code=499)  # nginx's number; the server does not send it


async def _http_error(_request: Request, error: Exception) -> Response:
    """Respond to an unknown path or method with JSON, as to all errors."""
    assert isinstance(error, HTTPException)
    document = {
        "error": "NotFoundError" if error.status_code == 404 else "RequestError",
        "message": error.detail,
    }
    return JSONResponse(document, error.status_code, error.headers)


async def _unexpected_error(_request: Request, _error: Exception) -> Response:
    return _respond(500, {"error": "InternalError", "message": "the service has a bug; its log has more"})
