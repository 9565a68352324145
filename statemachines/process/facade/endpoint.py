"""What every endpoint does around its own work: take the request apart, answer, and never raise.

A caller is told what to change, and of what the operators must change only that it is so: the reason is
in the function's log. Neither bodies nor keys are logged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools import Logger

from statemachines.fields import JsonObject
from statemachines.process.errors import RequestTooLargeError, TransactionNotFoundError
from statemachines.process.facade.http import Answer, Request
from statemachines.process.limits import RETRY_AFTER_SECONDS
from stepline.core.aws_errors import AWS_FAILURES, translate
from stepline.core.errors import InvalidInputError, SteplineError, TransientAwsError
from stepline.core.observability import where

SERVICE: Final = "facade"

Work = Callable[[Request], JsonObject]
Handler = Callable[[Any, Any], JsonObject]

_STATUSES: Final = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    TransactionNotFoundError: HTTPStatus.NOT_FOUND,
    RequestTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Of errors that are the caller's."""

_AGAIN = "AWS does not answer at the moment. Try again in a while."
_OPERATORS = "The service is not set up right. Its operators find the reason in the log of this function."


def endpoint(work: Work) -> Handler:
    """Make a Lambda handler, which answers API Gateway, of a function that answers a document."""
    log = Logger(service=SERVICE)
    name = work.__module__.rpartition(".")[2]

    @functools.wraps(work)
    def handler(event: Any, _context: Any) -> JsonObject:
        try:
            answer = Answer(_translated(work, event))
        except SteplineError as error:
            log.warning("request failed", endpoint=name, error=type(error).__name__, reason=error.message)
            answer = _failure(error)
        except Exception as error:
            # not its text, which may quote the request
            log.error("endpoint broke", endpoint=name, error=type(error).__name__, where=where(error))  # noqa: TRY400
            answer = _internal()
        log.info("request answered", endpoint=name, status=answer.status.value)
        return answer.to_event()

    return handler


def _translated(work: Work, event: Any) -> JsonObject:
    try:
        return work(Request.parse(event))
    except AWS_FAILURES as error:
        raise translate(error) from error


def _failure(error: SteplineError) -> Answer:
    if status := _STATUSES.get(type(error)):
        return Answer({"error": type(error).__name__, "message": error.message}, status)
    if isinstance(error, TransientAwsError):
        return Answer(
            {"error": type(error).__name__, "message": _AGAIN},
            HTTPStatus.SERVICE_UNAVAILABLE,
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return _internal()


def _internal() -> Answer:
    return Answer({"error": "InternalError", "message": _OPERATORS}, HTTPStatus.INTERNAL_SERVER_ERROR)
