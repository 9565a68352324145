"""Mends the services that ministack has: the local AWS adds some, and replaces others.

ministack has neither CodeCommit nor CodePipeline; jobs of its Batch succeed without being run, and the
histories of its Step Functions lack `previousEventId`.
"""

from __future__ import annotations

import asyncio

from ministack import app
from ministack.core import router

from stepline.localaws.protocol import HttpResponse, JsonService, RestJsonService
from stepline.localaws.protocol.rest import METHOD, PATH

_Answer = tuple[int, dict[str, str], bytes]


def add_service(service: JsonService) -> None:
    """Route requests to `service`, after ministack has checked the caller's permission.

    If ministack has the same service, operations that `service` does not have go there.
    """
    name = service.model.signing_name
    previous = app.SERVICE_HANDLERS.get(name)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> _Answer:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if previous is not None and not service.handles(operation):
            answer: _Answer = await previous(method, path, headers, body, query)
            return answer
        return _answer(await asyncio.to_thread(service.handle, headers, body))

    router.SERVICE_PATTERNS[name] = {
        "host_patterns": [rf"{name}\."],
        "target_prefixes": [service.model.metadata["targetPrefix"]],
        "credential_scope": name,
    }
    app.SERVICE_HANDLERS[name] = handle


def replace_rest_service(service: RestJsonService) -> None:
    """Route all requests to `service` whose paths ministack routes to its own service."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
    ) -> _Answer:
        request_headers = {**headers, METHOD: method, PATH: path}
        return _answer(await asyncio.to_thread(service.handle, request_headers, body))

    app.SERVICE_HANDLERS[service.model.signing_name] = handle


def _answer(response: HttpResponse) -> _Answer:
    return response.status, dict(response.headers), response.body
