"""Lambda's asynchronous invocation: an event is sent again if the function failed on it.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: after an error or a
time-out of the function, the same event is sent up to two more times, after one and two minutes. Lambda does
not know CodePipeline's jobs: an event is sent again even if its job has a result. Throttles and Lambda's own
errors return the event to the queue, for up to six hours. A function can have other limits: "Configuring
error handling for asynchronous invocation".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import ReadTimeoutError

from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, is_transient
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import (
    LAMBDA_BACKOFF_FIRST_SECONDS,
    LAMBDA_BACKOFF_LAST_SECONDS,
    LAMBDA_EVENT_MAX_AGE_SECONDS,
    LAMBDA_MAX_RETRIES,
)
from stepline.localaws.iam import Actor, acting_as

_NOT_READY_CODES: Final = frozenset({"ResourceConflictException", "ResourceNotReadyException"})
"""The function is being created or updated."""

OnRefusal = Callable[[AwsFailure], None]
"""Called when Lambda does not accept the event: no such function, no permission."""


@dataclass(frozen=True)
class _Event:
    function_name: str
    payload: bytes
    actor: Actor
    on_refusal: OnRefusal
    sent_at: datetime


@dataclass(frozen=True)
class _InvokeConfig:
    """MaximumRetryAttempts and MaximumEventAgeInSeconds of a function [model]."""

    max_retries: int
    max_age_seconds: float


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
        sent_at = self._runtime.now()
        self._attempt(_Event(function_name, payload, actor, on_refusal, sent_at))

    def _attempt(self, event: _Event, retries: int = 0, waited_seconds: float = 0.0) -> None:
        try:
            failed = self._function_failed(event)
        except AWS_FAILURES as error:
            if is_transient(error) or error_code(error) in _NOT_READY_CODES:
                self._return_to_queue(event, retries, waited_seconds)
            else:
                event.on_refusal(error)
        else:
            if failed:
                self._retry(event, retries)

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

    def _retry(self, event: _Event, retries: int) -> None:
        config, delays = self._invoke_config(event.function_name), self._runtime.settings.retry_seconds
        if retries < min(config.max_retries, len(delays)):
            self._later(event, delays[retries], config, retries=retries + 1)
        else:
            self._on_dropped_event(event.function_name)

    def _return_to_queue(self, event: _Event, retries: int, waited_seconds: float) -> None:
        delay_seconds = min(max(waited_seconds, LAMBDA_BACKOFF_FIRST_SECONDS), LAMBDA_BACKOFF_LAST_SECONDS)
        config = self._invoke_config(event.function_name)
        self._later(event, delay_seconds, config, retries, waited_seconds + delay_seconds)

    def _later(
        self,
        event: _Event,
        delay_seconds: float,
        config: _InvokeConfig,
        retries: int,
        waited_seconds: float = 0.0,
    ) -> None:
        """Send the event again, unless it is too old by then."""
        age_seconds = (self._runtime.now() - event.sent_at).total_seconds() + delay_seconds
        if age_seconds > config.max_age_seconds:
            self._on_dropped_event(event.function_name)
            return
        self._runtime.later(delay_seconds, partial(self._attempt, event, retries, waited_seconds))

    def _invoke_config(self, function_name: str) -> _InvokeConfig:
        """Read the function's settings for asynchronous invocation, or return the defaults."""
        try:
            config = self._lambda.get_function_event_invoke_config(FunctionName=function_name)
        except AWS_FAILURES:  # the function has no such settings
            config = {}
        return _InvokeConfig(
            max_retries=config.get("MaximumRetryAttempts", LAMBDA_MAX_RETRIES),
            max_age_seconds=config.get("MaximumEventAgeInSeconds", LAMBDA_EVENT_MAX_AGE_SECONDS),
        )
