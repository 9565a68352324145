"""Puts stepline's own services behind ministack's port, in ministack's way."""

from __future__ import annotations

import asyncio

from ministack import app as ministack_app
from ministack.core import router

from stepline.localaws.protocol import JsonService


def add_service(service: JsonService) -> None:
    """Route `service`'s requests to it; ministack has checked the caller's permission by then.

    Where ministack serves the same service, it keeps the operations that ours does not have.
    """
    name = service.model.signing_name
    prefix = service.model.metadata["targetPrefix"]
    previous = ministack_app.SERVICE_HANDLERS.get(name)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if previous is not None and not service.handles(operation):
            answer: tuple[int, dict[str, str], bytes] = await previous(
                method, path, headers, body, query_params
            )
            return answer
        response = await asyncio.to_thread(service.handle, headers, body)
        return response.status, dict(response.headers), response.body

    router.SERVICE_PATTERNS[name] = {
        "host_patterns": [rf"{name}\."],
        "target_prefixes": [prefix],
        "credential_scope": name,
    }
    ministack_app.SERVICE_HANDLERS[name] = handle
