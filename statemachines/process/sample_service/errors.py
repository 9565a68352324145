"""What can go wrong, grouped by what the service does next."""

from __future__ import annotations

from dataclasses import dataclass


class SampleServiceError(Exception):
    """Base of all errors of the service."""


class SettingsError(SampleServiceError):
    """Something that the service needs in order to start is missing or wrong; the message says what to do."""


class InvalidRequestError(SampleServiceError):
    """The caller's own mistake; the message says what to change. Answered with `status`."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class TooManyWaitingError(SampleServiceError):
    """More callers are waiting than the service takes. Answered with 503."""


class ProcessError(SampleServiceError):
    """The process's REST API did not do what was asked."""


@dataclass
class RefusedError(ProcessError):
    """The API says what is wrong with the request: 400, 404 or 413. The caller is told the same."""

    status: int
    error: str
    message: str


class UnavailableError(ProcessError):
    """The API cannot be reached, or is out, for longer than a few attempts take. Answered with 503."""


class UnexpectedAnswerError(ProcessError):
    """The API answers, but not with what it should; more attempts would not help. Answered with 502."""


class UnknownOutcomeError(ProcessError):
    """The connection was lost while the process was being started: it may run, or not. Answered with 502.

    It is not tried again, because that could start it twice.
    """
