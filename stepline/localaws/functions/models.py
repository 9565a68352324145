"""Functions as they are deployed, and the results of invocations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layer:
    """A version of a layer. `content` returns its package, or None if the local AWS does not have it."""

    arn: str
    content: Callable[[], bytes | None] = field(compare=False)


@dataclass(frozen=True)
class FunctionVersion:
    """A deployed function. Its code sees `environment` and Lambda's own variables, and no others.

    `is_latest` is false for a published version, whose code never changes.
    """

    name: str
    arn: str
    handler: str
    code_sha256: str
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]
    is_latest: bool = True
    runtime: str = "python"
    layers: tuple[Layer, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Invocations with the same key may share an execution environment."""
        code = (self.runtime, self.handler, self.code_sha256, self.layers)
        settings = (*code, self.timeout_seconds, self.memory_mb)
        return (self.name, self.arn, *settings, tuple(sorted(self.environment.items())))


@dataclass(frozen=True)
class InvocationResult:
    """The response of an invocation, as JSON, and the function's log.

    `function_error` is None, or "Unhandled": then the payload is Lambda's error document,
    `{"errorMessage", "errorType", "requestId"?, "stackTrace"?}`.
    """

    payload: bytes
    function_error: str | None
    log: str


def error_document(error_type: str, message: str) -> bytes:
    """Return Lambda's response for an error of its own."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
