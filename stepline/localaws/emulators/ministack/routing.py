"""Patches the services that ministack has: the local AWS adds some, and replaces others.

ministack has neither CodeCommit nor CodePipeline; jobs of its Batch succeed without being run, and the
histories of its Step Functions lack `previousEventId`.
"""

from __future__ import annotations

import asyncio

from ministack import app
from ministack.core import router

from stepline.localaws.protocol import JsonService, RestJsonService
from stepline.localaws.protocol.rest import METHOD, PATH

_Answer = tuple[int, dict[str, str], bytes]


def add_service(service: JsonService) -> None:
    """Route requests to `service`, after ministack has checked the caller's permission.

    If ministack has the same service, operations that `service` does not have go there; but a
    `RestJsonService` replaces all of it.
    """
    name = service.model.signing_name
    previous = None if isinstance(service, RestJsonService) else app.SERVICE_HANDLERS.get(name)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> _Answer:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if previous is not None and not service.handles(operation):
            answer: _Answer = await previous(method, path, headers, body, query)
            return answer
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
