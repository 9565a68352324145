"""Patches the services that ministack has: the local AWS adds some, and replaces others.

ministack has neither CodeCommit nor CodePipeline; jobs of its Batch succeed without being run, and the
histories of its Step Functions lack `previousEventId`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ministack import app
from ministack.core import responses, router

from stepline.localaws.http.error_responses import format_error
from stepline.localaws.protocol import JsonService
from stepline.localaws.protocol.rest import METHOD, PATH
from stepline.localaws.protocol.service import TOO_DEEP

_Answer = tuple[int, dict[str, str], bytes]
_Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[_Answer]]


def add_service(service: JsonService, *, account_id: str, region: str) -> None:
    """Route requests to `service`, after ministack has checked the caller's permission.

    A service of ministack with the same name is replaced, with all its operations: it would know nothing of
    what `service` created. `service` is in one account and region, and others are refused.
    """
    name = service.model.signing_name
    home = (account_id, region)
    place = f"the account {account_id}, region {region}"
    elsewhere = f"The local AWS has {service.model.service_id} only in {place}."

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
    ) -> _Answer:
        if current_scope() != home:
            media_type, error = format_error(headers, "UnsupportedOperationException", elsewhere)
            return 400, {"Content-Type": media_type}, error
        request_headers = {**headers, METHOD: method, PATH: path}
        response = await asyncio.to_thread(service.handle, request_headers, body)
        return response.status, dict(response.headers), response.body

    if prefix := service.model.metadata.get("targetPrefix"):
        router.SERVICE_PATTERNS[name] = {
            "host_patterns": [rf"{name}\."],
            "target_prefixes": [prefix],
            "credential_scope": name,
        }
    app.SERVICE_HANDLERS[name] = handle


def current_scope() -> tuple[str, str]:
    """Return the account and the region of the current request."""
    return str(responses.get_account_id()), str(responses.get_region())


def refuse_deep_documents() -> None:
    """Return a client error for JSON that is nested too deeply, where ministack fails with status 500."""
    app.SERVICE_HANDLERS.update({name: _refusing(each) for name, each in app.SERVICE_HANDLERS.items()})


def _refusing(handler: _Handler) -> _Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> _Answer:
        try:
            return await handler(method, path, headers, body, query)
        except RecursionError:
            media_type, error = format_error(headers, "SerializationException", TOO_DEEP)
            return 400, {"Content-Type": media_type}, error

    return handle
