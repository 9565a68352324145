"""Puts stepline's own services behind ministack's port, in ministack's way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

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


class StateMachineRecords(MutableMapping[str, dict[str, Any]]):
    """The store that ministack's CloudFormation keeps state machines in: ARN -> record.

    stepline runs the executions on moto's interpreter; the definitions stay where CloudFormation
    writes them. It writes a machine's logging as in the template, with capital letters.
    """

    def __init__(self) -> None:
        from ministack.services import stepfunctions  # noqa: PLC0415  -- load() must have run

        self._records: MutableMapping[str, dict[str, Any]] = stepfunctions._state_machines

    def __getitem__(self, arn: str) -> dict[str, Any]:
        record = self._records[arn]
        return record | {"loggingConfiguration": api_names(record.get("loggingConfiguration", {}))}

    def __setitem__(self, arn: str, record: dict[str, Any]) -> None:
        self._records[arn] = record

    def __delitem__(self, arn: str) -> None:
        del self._records[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)


def api_names(value: Any) -> Any:
    """A template's properties as the API names them: `Level` -> `level`, at every depth."""
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: api_names(item) for name, item in value.items()}
    return [api_names(item) for item in value] if isinstance(value, list) else value
