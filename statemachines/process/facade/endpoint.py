"""The decorator of all endpoints: parses the request, and returns a response also for every error.

The response says what the caller must change. What the operators must change is only in the function's log.
Neither bodies nor keys are logged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools import Logger

from statemachines.process.errors import RequestTooLargeError, TransactionNotFoundError
from statemachines.process.facade.http import Request, Response
from statemachines.process.limits import RETRY_AFTER_SECONDS
from stepline.core.aws_errors import translated
from stepline.core.errors import InvalidInputError, SteplineError, TransientAwsError, code_locations
from stepline.core.fields import JsonObject

SERVICE: Final = "facade"

EndpointFunction = Callable[[Request], JsonObject]
Handler = Callable[[Any, Any], JsonObject]

_STATUSES: Final = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    TransactionNotFoundError: HTTPStatus.NOT_FOUND,
    RequestTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Errors that the caller must fix."""

_RETRY = "AWS cannot be reached at the moment. Try again later."
_OPERATORS = (
    "The service is not configured correctly. Its operators find the reason in the log of this function."
)


def endpoint(work: EndpointFunction) -> Handler:
    """Create a Lambda handler for API Gateway from a function that returns a document."""
    log = Logger(service=SERVICE)
    name = work.__module__.rpartition(".")[2]

    @functools.wraps(work)
    def handler(event: Any, _context: Any) -> JsonObject:
        try:
            with translated():
                response = Response(work(Request.parse(event)))
        except SteplineError as error:
            log.warning("Request failed", endpoint=name, error=type(error).__name__, reason=error.message)
            response = _failure(error)
        except Exception as error:
            # without the message, which may quote the request
            locations = code_locations(error)
            log.error("Unexpected error", endpoint=name, error=type(error).__name__, where=locations)  # noqa: TRY400
            response = _internal()
        log.info("Request completed", endpoint=name, status=response.status.value)
        return response.to_event()

    return handler


def _failure(error: SteplineError) -> Response:
    if status := _STATUSES.get(type(error)):
        return Response({"error": type(error).__name__, "message": error.message}, status)
    if isinstance(error, TransientAwsError):
        return Response(
            {"error": type(error).__name__, "message": _RETRY},
            HTTPStatus.SERVICE_UNAVAILABLE,
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return _internal()


def _internal() -> Response:
    return Response({"error": "InternalError", "message": _OPERATORS}, HTTPStatus.INTERNAL_SERVER_ERROR)
