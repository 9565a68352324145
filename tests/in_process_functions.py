"""A fake Lambda client: its functions are Python handlers in this process."""

from __future__ import annotations

import io
import json
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION

Handler = Callable[[Any, "LambdaContext"], Any]

_DEFAULT_REMAINING_MILLISECONDS = 3_000


@dataclass(frozen=True)
class LambdaContext:
    """The context object of a handler, with the members that handlers use."""

    function_name: str
    invoked_function_arn: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    remaining_milliseconds: int = _DEFAULT_REMAINING_MILLISECONDS

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return f"{self.function_version}/{self.aws_request_id}"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


class InProcessFunctions:
    """Invokes handlers in this process.

    `handlers` maps function names to handlers. It is read at each call, so that a test may replace one.
    `invocations` lists (function name, event).
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self.invocations: list[tuple[str, Any]] = []

    def arn(self, name: str) -> str:
        return f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{name}"

    def invoke(
        self,
        *,
        FunctionName: str,
        Payload: bytes | str = b"{}",
        InvocationType: str = "RequestResponse",
        **_settings: Any,
    ) -> dict[str, Any]:
        """Run the handler synchronously, for any invocation type, and return Lambda's response.

        The event and the result pass through JSON. Raises ClientError for a function that does not exist.
        """
        name = function_name(FunctionName)
        handler = self._handlers.get(name)
        if handler is None:
            raise _not_found(self.arn(name))
        event = json.loads(Payload or b"{}")
        self.invocations.append((name, event))
        context = LambdaContext(function_name=name, invoked_function_arn=self.arn(name))
        result, error = _run(handler, event, context)
        if InvocationType == "Event":
            return {"StatusCode": 202, "Payload": io.BytesIO(b"")}
        response = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(result)}
        return response | ({"FunctionError": error} if error else {})


def function_name(name_or_arn: str) -> str:
    """Return the name of a function from a name, partial ARN or ARN, with or without qualifier."""
    parts = name_or_arn.split(":")
    if "function" in parts:
        return parts[parts.index("function") + 1]
    return parts[0]


def _run(handler: Handler, event: Any, context: LambdaContext) -> tuple[bytes, str | None]:
    try:
        return json.dumps(handler(event, context)).encode(), None
    except Exception as error:
        return json.dumps(_error_document(error, context)).encode(), "Unhandled"


def _error_document(error: Exception, context: LambdaContext) -> dict[str, Any]:
    """Return the response of Lambda's Python runtime when a handler raises."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": context.aws_request_id,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],  # without the frame of _run
    }


def _not_found(arn: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": "ResourceNotFoundException", "Message": f"Function not found: {arn}"},
            "ResponseMetadata": {
                "RequestId": str(uuid.uuid4()),
                "HTTPStatusCode": 404,
                "HTTPHeaders": {},
                "RetryAttempts": 0,
                "HostId": "",
            },
        },
        "Invoke",
    )
