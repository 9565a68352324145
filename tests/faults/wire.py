"""Answers and errors, as the services' protocols write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ConnectionClosedError

from tests.faults.network import Operation, Reply
from tests.pipeline import fake_s3


def metadata(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status}}


def present(value: Any) -> Any:
    """Without members that are None, which a service does not send."""
    if isinstance(value, Mapping):
        return {name: present(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [present(item) for item in value]
    return value


_THROTTLES = {"s3": (503, "SlowDown"), "cloudformation": (400, "Throttling")}
"""How AWS says that there were too many requests; elsewhere it is a ThrottlingException."""


def refusal(operation: Operation, status: int, code: str, message: str = "no") -> Reply:
    """An error as the service's protocol writes it."""
    if operation.service == "s3":
        answer = fake_s3.error_answer(status, code, message)
        return Reply(answer.status, answer.body, answer.headers)
    if operation.service == "cloudformation":
        inside = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
        return Reply(status, f"<ErrorResponse><Error>{inside}</Error></ErrorResponse>".encode())
    code = {"AccessDenied": "AccessDeniedException", "InternalError": "InternalServerError"}.get(code, code)
    return Reply(status, json.dumps({"__type": code, "message": message}).encode())


def throttle(operation: Operation) -> Reply:
    return refusal(operation, *_THROTTLES.get(operation.service, (400, "ThrottlingException")))


def cut_short(operation: Operation, reply: Reply) -> Reply:
    """The answer breaks off: where botocore reads it whole, urllib3 notices, else who reads it."""
    if operation.name != "GetObject" or not reply.body:
        raise ConnectionClosedError(endpoint_url="the endpoint")
    return Reply(reply.status, reply.body, reply.headers, sent_bytes=len(reply.body) // 2)


def text_of(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def bytes_of(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
