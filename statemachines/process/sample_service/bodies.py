"""Reads the bodies of requests, within limits on size, time and memory for all callers together."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request

from statemachines.process.sample_service.errors import InvalidRequestError, TooManyWaitingError
from stepline.core import strict_json
from stepline.core.limits import KIB, MIB

MAX_BODY_BYTES: Final = 256 * KIB
"""Largest request [ours]: a quarter of the facade's limit, so that 500 callers do not fill the memory."""

MAX_BODY_SECONDS: Final = 20
"""Time for a request to arrive completely [ours]."""

MAX_OPEN_BODIES: Final = 1_000
"""Requests that have not arrived completely [ours]: their connections need some 50 KiB each [measured]."""

MAX_OPEN_BYTES: Final = 32 * MIB
"""Of all requests that have not arrived completely [ours]."""


class BodyReader:
    """Counts the requests that have not arrived completely."""

    def __init__(self) -> None:
        self._open = 0
        self._open_bytes = 0

    async def read_object(self, request: Request) -> dict[str, Any]:
        """Return the JSON object in the body.

        Raises InvalidRequestError, TooManyWaitingError, and Starlette's ClientDisconnect.
        """
        if self._open >= MAX_OPEN_BODIES:
            raise TooManyWaitingError(f"{self._open} requests have not arrived completely")
        self._open += 1
        try:
            async with asyncio.timeout(MAX_BODY_SECONDS):
                body = await self._read(request)
        except TimeoutError:
            message = f"the body did not arrive within {MAX_BODY_SECONDS} s"
            raise InvalidRequestError(message, status=408) from None
        finally:
            self._open -= 1
        return _parse_object(body)

    async def _read(self, request: Request) -> bytes:
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                self._open_bytes += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise InvalidRequestError(f"the body has more than {MAX_BODY_BYTES:,} bytes", status=413)
                if self._open_bytes > MAX_OPEN_BYTES:
                    raise TooManyWaitingError("too many requests have not arrived completely")
        finally:
            self._open_bytes -= size
        return b"".join(chunks)


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = strict_json.loads(body)
        strict_json.canonical(value)  # refuses half of a surrogate pair, which no request can contain
    except ValueError as error:
        raise InvalidRequestError(f"the body must be a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return value
