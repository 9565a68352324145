"""The error answer of an AWS JSON service."""

from __future__ import annotations


class AwsError(Exception):
    """An error that the client sees as `botocore.exceptions.ClientError`.

    `code` is the error's name in the service model (`JobNotFoundException`),
    `status` the HTTP status, `fields` further members of the error shape.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **fields: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


def validation_error(message: str) -> AwsError:
    """Every AWS JSON service answers a value outside its model with this."""
    return AwsError("ValidationException", message)
