"""The HTTP interface: `POST /p1`, `GET /p1/{transactionId}`, `GET /health`; see docs/sample-service.md."""

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
from statemachines.process.sample_service.errors import (
    InvalidRequestError,
    ProcessError,
    RefusedError,
    SampleServiceError,
    TooManyWaitingError,
    UnavailableError,
)
from statemachines.process.sample_service.waiting import (
    Caller,
    Ended,
    Reason,
    Unfinished,
    WaitingRoom,
    logger,
)
from stepline.core import strict_json

MAX_BODY_BYTES: Final = 256 * 1024
"""Of a request [ours]: a quarter of what the facade takes, so that 500 callers do not fill the memory."""
RETRY_AFTER_SECONDS: Final = 30
"""What a caller is told when there is no place, or the process's API is out [ours]."""

Answer = tuple[int, dict[str, Any]]
"""Status and document."""
StartUp = Callable[[], AbstractAsyncContextManager[WaitingRoom]]


def create_app(start_up: StartUp) -> Starlette:
    """`start_up` makes what the application needs when it starts, and takes it down when it stops."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with start_up() as app.state.waiting_room:
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
    room, caller = _waiting_room(request), Caller()
    try:
        process_input = _object(await _body(request))
        return await _unless_caller_leaves(request, _answer(room.run(process_input, caller)))
    except ClientDisconnect:
        return _nobody_listens()
    except SampleServiceError as error:
        return _respond(*_error_answer(error, caller.transaction_id))


async def _resume(request: Request) -> Response:
    text: str = request.path_params["transaction_id"]
    known = None
    try:
        known = process_api.check_transaction_id(text)
        return await _unless_caller_leaves(request, _answer(_waiting_room(request).resume(known)))
    except SampleServiceError as error:
        return _respond(*_error_answer(error, known))


async def _health(request: Request) -> Response:
    room = _waiting_room(request)
    document = {
        "status": "stopping" if room.stopping else "ok",
        "waiting": room.waiting,
        "running": room.running,
    }
    return _respond(503 if room.stopping else 200, document)


def _waiting_room(request: Request) -> WaitingRoom:
    room: WaitingRoom = request.app.state.waiting_room
    return room


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise InvalidRequestError(f"the body has more than {MAX_BODY_BYTES:,} bytes", status=413)
        chunks.append(chunk)
    return b"".join(chunks)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = strict_json.loads(body)
    except ValueError as error:
        raise InvalidRequestError(f"the body must be a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return value


async def _answer(wait: Coroutine[Any, Any, Ended | Unfinished]) -> Answer:
    end = await wait
    return _ended(end) if isinstance(end, Ended) else _unfinished(end)


def _ended(end: Ended) -> Answer:
    document: dict[str, Any] = {"transactionId": end.transaction_id, "state": end.state.status.value}
    if end.data is not None:
        return 200, document | {"data": end.data}
    return 400, document | {"error": end.state.error, "cause": end.state.cause}


def _unfinished(end: Unfinished) -> Answer:
    status = 504 if end.reason is Reason.TIME_IS_OVER else 503
    if end.transaction_id is None:
        message = f"{end.reason.value}; the process was not started: send the request again"
        return status, {"error": "NotStartedError", "message": message}
    message = f"{end.reason.value}; the process goes on: GET /p1/{end.transaction_id} waits for it again"
    return status, {"transactionId": end.transaction_id, "error": "NotFinishedError", "message": message}


def _error_answer(error: SampleServiceError, transaction_id: str | None) -> Answer:
    known = {} if transaction_id is None else {"transactionId": transaction_id}
    match error:
        case RefusedError():
            return error.status, known | {"error": error.error, "message": error.message}
        case InvalidRequestError():
            status = error.status
        case TooManyWaitingError() | UnavailableError():
            status = 503
        case _:
            status = 502
    if isinstance(error, ProcessError):
        logger.warning("Process failed to answer", reason=str(error), transaction_id=transaction_id)
    return status, known | {"error": type(error).__name__, "message": str(error)}


def _respond(status: int, document: Mapping[str, Any]) -> Response:
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    if status in {503, 504} and (transaction_id := document.get("transactionId")):
        headers["location"] = f"/p1/{transaction_id}"
    return JSONResponse(document, status, headers)


async def _unless_caller_leaves(request: Request, answer: Coroutine[Any, Any, Answer]) -> Response:
    """The answer; if the caller closes its connection first, the work for it is cancelled."""
    work = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(_caller_left(request))
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return _respond(*work.result()) if work.done() else _nobody_listens()
    finally:
        leaving.cancel()
        work.cancel()
        await asyncio.gather(work, leaving, return_exceptions=True)


async def _caller_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the empty end of a body that was sent in chunks


def _nobody_listens() -> Response:
    return Response(status_code=499)  # nginx's number for it; the server drops it


async def _http_error(_request: Request, error: Exception) -> Response:
    """No such path, or no such method: as JSON, like every other error."""
    assert isinstance(error, HTTPException)
    document = {
        "error": "NotFoundError" if error.status_code == 404 else "RequestError",
        "message": error.detail,
    }
    return JSONResponse(document, error.status_code, error.headers)


async def _unexpected_error(_request: Request, _error: Exception) -> Response:
    return _respond(500, {"error": "InternalError", "message": "the service has a bug; its log has more"})
