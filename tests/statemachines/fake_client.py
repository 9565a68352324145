"""Real botocore clients whose answers come from an object in this process.

botocore checks and serialises the request as always, and its paginators and exceptions
work; only what would go over the network is asked of the fake instead.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.model import OperationModel

from stepline.localaws.protocol.validation import validation_message


class FakeAwsError(Exception):
    """The error answer of a fake service."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Fault:
    """The `on`-th call of `operation` fails; `acted`: after it did its work."""

    operation: str
    on: tuple[int, ...]
    error: FakeAwsError
    acted: bool = False


@dataclass
class FakeService:
    """What is common to the fakes: faults, interference by others, and a record of the calls."""

    faults: list[Fault] = field(default_factory=list)
    interference: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def answer(self, operation: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
        name = operation.name
        self.calls.append((name, params))
        self._counts[name] += 1
        self.interference.get((name, self._counts[name]), lambda: None)()
        fault = next((f for f in self.faults if f.operation == name and self._counts[name] in f.on), None)
        if fault is not None and not fault.acted:
            raise fault.error
        if operation.input_shape and (message := validation_message(operation.input_shape, params)):
            raise FakeAwsError("ValidationError", message)
        result: dict[str, Any] = getattr(self, xform_name(name))(**params) or {}
        if fault is not None:
            raise fault.error
        return result

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]


@functools.cache
def _session() -> botocore.session.Session:
    """One for all tests: it keeps the service models, which take long to load."""
    session = botocore.session.Session()
    session.set_credentials("local", "local")
    return session


def fake_client(service_name: str, service: FakeService) -> Any:
    """The one botocore client of that name, which takes long to make, from now on talking to `service`."""
    socket, client = _client(service_name)
    socket.service = service
    return client


class _Socket:
    service: FakeService


@functools.cache
def _client(service_name: str) -> tuple[_Socket, Any]:
    socket = _Socket()
    client = _session().create_client(
        service_name,
        region_name="us-east-1",
        endpoint_url=f"http://{service_name}.test",
        config=Config(s3={"addressing_style": "path"}),
    )

    def remember(params: dict[str, Any], context: dict[str, Any], **_rest: Any) -> None:
        context["fake_params"] = dict(params)

    def answer(model: OperationModel, context: dict[str, Any], **_rest: Any) -> Any:
        try:
            parsed = socket.service.answer(model, context["fake_params"])
        except FakeAwsError as error:
            return SimpleNamespace(status_code=error.status), _error_document(error)
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}, **parsed}

    client.meta.events.register(f"provide-client-params.{service_name}", remember)
    client.meta.events.register(f"before-call.{service_name}", answer)
    return socket, client


def _error_document(error: FakeAwsError) -> dict[str, Any]:
    return {
        "Error": {"Code": error.code, "Message": error.message},
        "ResponseMetadata": {"HTTPStatusCode": error.status, "RequestId": "of-the-fake"},
    }
