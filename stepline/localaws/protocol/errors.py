"""The error answers of AWS services. Each service has its own as classes, in its `errors.py`."""

from __future__ import annotations

from typing import ClassVar


class AwsError(Exception):
    """An error that the client sees as `botocore.exceptions.ClientError`.

    A subclass is called as its code in the service model: `class JobNotFoundException(AwsError)`. `status`
    is the HTTP status, `fields` are further members of the error shape. `code` is for an error that is
    passed on from another service.
    """

    status: ClassVar[int] = 400

    def __init__(
        self, message: str, *, code: str | None = None, status: int | None = None, **fields: object
    ) -> None:
        self.code = code or type(self).__name__
        super().__init__(f"{self.code}: {message}")
        self.message = message
        self.http_status = status or self.status
        self.fields = fields


class ValidationException(AwsError):
    """A value outside the service model: every AWS JSON service answers with this."""


class SerializationException(AwsError):
    """The request is not JSON, or a value of it has another type than in the service model."""


class UnknownOperationException(AwsError):
    """The service has no such operation, or does not serve it."""
