"""What is invoked and what comes back, and Lambda's limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

MAX_REQUEST_BYTES = 6_291_456
"""Event of a synchronous invocation, 6 MiB [Lambda quotas]."""

MAX_RESPONSE_BYTES = 6_291_556
"""Answer of a synchronous invocation [Lambda's error message names the number]."""

INIT_TIMEOUT_SECONDS = 10.0
"""What a function may take to load [Lambda guide, "Init phase"]."""


class FunctionsError(Exception):
    """The invocation cannot be tried; the message says why."""


class RequestTooLargeError(FunctionsError):
    """The event exceeds Lambda's limit; AWS answers RequestTooLargeException, status 413."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation"
        )
        self.size = size


class CodeError(FunctionsError):
    """The function's code is no archive that can be unpacked."""


@dataclass(frozen=True)
class FunctionVersion:
    """A function as it is deployed. `environment` is all that the code sees beside Lambda's own variables."""

    name: str
    arn: str
    handler: str
    code_sha256: str
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]

    @property
    def key(self) -> tuple[object, ...]:
        """Invocations with the same key may share an execution environment."""
        settings = (self.handler, self.code_sha256, self.timeout_seconds, self.memory_mb)
        return (self.name, self.arn, *settings, tuple(sorted(self.environment.items())))


@dataclass(frozen=True)
class InvocationResult:
    """What an invocation gave: JSON, and the function's log.

    `function_error` is None, or "Unhandled": then the payload is Lambda's error document,
    `{"errorMessage", "errorType", "requestId"?, "stackTrace"?}`.
    """

    payload: bytes
    function_error: str | None
    log: str


def error_document(error_type: str, message: str) -> bytes:
    """Lambda's answer for an error that it found itself."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
