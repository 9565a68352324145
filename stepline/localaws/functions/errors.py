"""Errors of invocations that cannot be attempted."""

from __future__ import annotations

from stepline.localaws.functions.settings import MAX_REQUEST_BYTES


class FunctionsError(Exception):
    """The invocation cannot be attempted; the message says why."""


class RequestTooLargeError(FunctionsError):
    """The event exceeds Lambda's limit; AWS returns RequestTooLargeException, status 413."""

    def __init__(self) -> None:
        super().__init__(
            f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation"
        )


class CodeError(FunctionsError):
    """The function's deployment package is not an archive that can be unpacked."""
