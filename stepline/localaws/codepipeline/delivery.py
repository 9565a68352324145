"""Lambda's asynchronous invocation: an event is run again if the function failed on it.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: after an error of
the function or its time-out, the same event is run up to two more times, after one and two minutes.
Lambda knows nothing of CodePipeline's jobs: an event is repeated although its job was answered.
Throttles and Lambda's own errors put the event back into the queue, for up to six hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, which is no OSError
    HTTPClientError,
    ReadTimeoutError,
)

from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.settings import (
    LAMBDA_BACKOFF_FIRST_SECONDS,
    LAMBDA_BACKOFF_LAST_SECONDS,
    LAMBDA_EVENT_MAX_AGE_SECONDS,
)
from stepline.localaws.iam import Actor, acting_as

_TRANSIENT = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "ServiceException",
        "InternalFailure",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "EC2ThrottledException",
    }
)
_HTTP_SERVER_ERROR = 500

Refusal = Callable[[ClientError | BotoCoreError], None]
"""Called when Lambda will not take the event: no such function, no permission."""


@dataclass(frozen=True, kw_only=True)
class _Event:
    function_name: str
    payload: bytes
    actor: Actor
    refused: Refusal


class AsynchronousInvoker:
    """Hands events to functions, outside transactions."""

    def __init__(self, core: Core, lambda_client: Any) -> None:
        self._core = core
        self._lambda = lambda_client

    def invoke(self, function_name: str, payload: bytes, *, actor: Actor, refused: Refusal) -> None:
        """Run `payload` through the function, and again as Lambda would; returns after the first run."""
        event = _Event(function_name=function_name, payload=payload, actor=actor, refused=refused)
        self._run(event, self._core.settings.retry_seconds)

    def _run(self, event: _Event, retries: tuple[float, ...], waited_seconds: float = 0.0) -> None:
        try:
            failed = self._function_failed(event)
        except ClientError as error:
            if _is_transient(error):
                self._queue_again(event, retries, waited_seconds)
            else:
                event.refused(error)
        except (ConnectionError, HTTPClientError):
            self._queue_again(event, retries, waited_seconds)
        except BotoCoreError as error:
            event.refused(error)
        else:
            if failed and retries:
                self._core.later(retries[0], partial(self._run, event, retries[1:]))

    def _function_failed(self, event: _Event) -> bool:
        try:
            with acting_as(event.actor):
                answer = self._lambda.invoke(
                    FunctionName=event.function_name, InvocationType="RequestResponse", Payload=event.payload
                )
            answer["Payload"].read()
        except ReadTimeoutError:
            return True
        return answer.get("FunctionError") is not None

    def _queue_again(self, event: _Event, retries: tuple[float, ...], waited_seconds: float) -> None:
        delay_seconds = min(max(waited_seconds, LAMBDA_BACKOFF_FIRST_SECONDS), LAMBDA_BACKOFF_LAST_SECONDS)
        waited_seconds += delay_seconds
        if waited_seconds <= LAMBDA_EVENT_MAX_AGE_SECONDS:
            self._core.later(delay_seconds, partial(self._run, event, retries, waited_seconds))


def _is_transient(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"].get("Code") in _TRANSIENT or status >= _HTTP_SERVER_ERROR
