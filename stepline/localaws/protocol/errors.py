"""The base of AWS's error responses. Each service has its own as classes, in its `errors.py`."""

from __future__ import annotations

from typing import ClassVar


class AwsError(Exception):
    """An error that the client receives as `botocore.exceptions.ClientError`.

    A subclass has the name of its code in the service model: `class JobNotFoundException(AwsError)`. `status`
    is the HTTP status, `fields` are further members of the error shape. `default_message` is for an error
    whose message is always the same. `code` is for an error that is passed on from another service.
    """

    status: ClassVar[int] = 400
    default_message: ClassVar[str] = ""

    def __init__(
        self, message: str = "", *, code: str | None = None, status: int | None = None, **fields: object
    ) -> None:
        self.code = code or type(self).__name__
        self.message = message or self.default_message
        super().__init__(f"{self.code}: {self.message}")
        self.http_status = status or self.status
        self.fields = fields


class ValidationException(AwsError):
    """A value does not fit the service model."""


class SerializationException(AwsError):
    """The request is not JSON, or a value of it has another type than in the service model."""


class UnknownOperationException(AwsError):
    """The service does not have or does not serve the operation."""
