"""Reads the forms that the console's pages send: small, and without files."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from stepline.core.errors import UsageError

MAX_FORM_BYTES: Final = 64 * 1024
_MAX_FIELDS: Final = 20
_TYPE: Final = "application/x-www-form-urlencoded"


class FormError(UsageError):
    """A form cannot be read; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields. Raises FormError for another type, a large form, and fields that come twice."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise FormError(f"a form must have the type {_TYPE}", 415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormError(f"a form may have {MAX_FORM_BYTES // 1024} KB at most", 413)
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise FormError("this form cannot be read", 400) from error
    if any(len(values) != 1 for values in fields.values()):
        raise FormError("a field of this form comes twice", 400)
    return {name: values[0] for name, values in fields.items()}
