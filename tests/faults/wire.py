"""Error responses, and responses that break off, in the protocols of the services."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ConnectionClosedError

from stepline.localaws.protocol import AwsError
from tests.fakes.s3 import S3Response
from tests.faults.network import Operation, Reply

_THROTTLES = {
    "s3": (503, "SlowDown"),
    "cloudformation": (400, "Throttling"),
    "sns": (429, "Throttled"),
    "sts": (400, "Throttling"),
}
"""Status and code for too many requests; the other services have ThrottlingException."""

_QUERY_SERVICES = frozenset({"cloudformation", "sns", "sts"})
"""Those of botocore's protocol `query`, whose responses are XML."""


def error_reply(operation: Operation, status: int, code: str, message: str = "no") -> Reply:
    if operation.service == "s3":
        response = S3Response.of_error(AwsError(message, code=code, status=status))
        return Reply(response.status, response.body, dict(response.headers))
    if operation.service in _QUERY_SERVICES:
        inside = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
        return Reply(status, f"<ErrorResponse><Error>{inside}</Error></ErrorResponse>".encode())
    code = {"AccessDenied": "AccessDeniedException", "InternalError": "InternalServerError"}.get(code, code)
    return Reply(status, json.dumps({"__type": code, "message": message}).encode())


def throttle(operation: Operation) -> Reply:
    return error_reply(operation, *_THROTTLES.get(operation.service, (400, "ThrottlingException")))


def cut_short(operation: Operation, reply: Reply) -> Reply:
    """Let the response break off: urllib3 raises where botocore reads all of it, else the reader."""
    if operation.name != "GetObject" or not reply.body:
        raise ConnectionClosedError(endpoint_url="the endpoint")
    return Reply(reply.status, reply.body, reply.headers, sent_bytes=len(reply.body) // 2)


def text_of(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def bytes_of(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
