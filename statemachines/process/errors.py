"""Errors of the process and its facade, besides those of `stepline.core.errors`, and how they are handled.

retry of the step          `S3DataPreconditionError`
response to the caller     `TransactionNotFoundError` (404), `RequestTooLargeError` (413), and
                           `stepline.core.errors.InvalidInputError` (400)
failure of the execution   `DataTooLargeError`
"""

from __future__ import annotations

from stepline.core.errors import SteplineError


class S3DataPreconditionError(SteplineError):
    """The output of the step before does not exist (yet)."""


class TransactionNotFoundError(SteplineError):
    """The transaction does not exist, or belongs to another caller. The response does not say which."""


class RequestTooLargeError(SteplineError):
    """The body of the request, or its input, is larger than the limit."""


class DataTooLargeError(SteplineError):
    """The data of a transaction would be larger than a response can be."""
