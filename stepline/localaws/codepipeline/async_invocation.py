"""Lambda's asynchronous invocation: an event is sent again if the function failed on it.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: after an error or a
time-out of the function, the same event is sent up to two more times, after one and two minutes. Lambda does
not know CodePipeline's jobs: an event is sent again even if its job has a result. Throttles and Lambda's own
errors return the event to the queue, for up to six hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import ReadTimeoutError

from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, is_transient
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import (
    LAMBDA_BACKOFF_FIRST_SECONDS,
    LAMBDA_BACKOFF_LAST_SECONDS,
    LAMBDA_EVENT_MAX_AGE_SECONDS,
)
from stepline.localaws.iam import Actor, acting_as

_NOT_READY_CODES: Final = frozenset({"ResourceConflictException", "ResourceNotReadyException"})
"""The function is being created or updated."""

OnRefusal = Callable[[AwsFailure], None]
"""Called when Lambda does not accept the event: no such function, no permission."""


@dataclass(frozen=True, kw_only=True)
class _Event:
    function_name: str
    payload: bytes
    actor: Actor
    on_refusal: OnRefusal


class AsynchronousInvoker:
    """Sends events to functions, outside transactions."""

    def __init__(
        self, runtime: Runtime, lambda_client: Any, on_dropped_event: Callable[[str], object]
    ) -> None:
        self._runtime = runtime
        self._lambda = lambda_client
        self._on_dropped_event = on_dropped_event

    def invoke(self, function_name: str, payload: bytes, *, actor: Actor, on_refusal: OnRefusal) -> None:
        """Invoke the function once, and schedule the retries that Lambda would do."""
        event = _Event(function_name=function_name, payload=payload, actor=actor, on_refusal=on_refusal)
        self._attempt(event, self._runtime.settings.retry_seconds)

    def _attempt(self, event: _Event, retries: tuple[float, ...], waited_seconds: float = 0.0) -> None:
        try:
            failed = self._function_failed(event)
        except AWS_FAILURES as error:
            if is_transient(error) or error_code(error) in _NOT_READY_CODES:
                self._return_to_queue(event, retries, waited_seconds)
            else:
                event.on_refusal(error)
        else:
            if failed and retries:
                self._runtime.later(retries[0], partial(self._attempt, event, retries[1:]))
            elif failed:
                self._on_dropped_event(event.function_name)

    def _function_failed(self, event: _Event) -> bool:
        try:
            with acting_as(event.actor):
                response = self._lambda.invoke(
                    FunctionName=event.function_name, InvocationType="RequestResponse", Payload=event.payload
                )
            response["Payload"].read()
        except ReadTimeoutError:
            return True
        return response.get("FunctionError") is not None

    def _return_to_queue(self, event: _Event, retries: tuple[float, ...], waited_seconds: float) -> None:
        delay_seconds = min(max(waited_seconds, LAMBDA_BACKOFF_FIRST_SECONDS), LAMBDA_BACKOFF_LAST_SECONDS)
        waited_seconds += delay_seconds
        if waited_seconds <= LAMBDA_EVENT_MAX_AGE_SECONDS:
            self._runtime.later(delay_seconds, partial(self._attempt, event, retries, waited_seconds))
        else:
            self._on_dropped_event(event.function_name)
