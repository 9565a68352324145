"""The errors of the service, grouped by what happens next."""

from __future__ import annotations

from stepline.core.errors import SteplineError


class InvalidRequestError(SteplineError):
    """The caller's request is invalid; the response has `status`."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class TooManyWaitingError(SteplineError):
    """The maximum number of callers is waiting. The response is 503."""


class ProcessError(SteplineError):
    """The REST API of the process failed."""


class RejectedError(ProcessError):
    """The API rejected the request with 400, 404 or 413. The response is the same."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


class UnavailableError(ProcessError):
    """The API failed or could not be reached several times. The response is 503."""


class UnexpectedResponseError(ProcessError):
    """The API returned what it should not, which a retry would not change. The response is 502."""


class UnknownOutcomeError(ProcessError):
    """The connection broke during a start: the process may run or not. The response is 502.

    It is not retried, because that could start the process twice.
    """
