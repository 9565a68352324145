"""Requests and responses of API Gateway's Lambda proxy integration.

[API Gateway guide, "Lambda proxy integrations in API Gateway", input format and output format]
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from statemachines.process.errors import RequestTooLargeError
from statemachines.process.limits import MAX_INPUT_BYTES
from statemachines.process.transaction import is_owner
from stepline.core import strict_json
from stepline.core.errors import InvalidInputError, SettingsError
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import quoted

_HEADERS = {
    "Content-Type": "application/json",
    # The data belong to the caller, and change with each step.
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Request:
    """A request. `owner` is the id of the API key; `query` has all values of each parameter."""

    owner: str
    query: Mapping[str, Sequence[str]]
    body: str | bytes

    @classmethod
    def parse(cls, event: Any) -> Self:
        """Parse an event.

        Raise `InvalidInputError`, `RequestTooLargeError`, or `SettingsError` if the API requires no key.
        """
        fields = Fields(event, "the event")
        return cls(
            owner=_owner(fields),
            query=fields.object_or_none("multiValueQueryStringParameters") or {},
            body=_body(fields),
        )

    def parameter(self, name: str) -> str:
        """Return a parameter of the query, which must be given once."""
        values = self.query.get(name, ())
        if len(values) != 1:
            problem = "is missing" if not values else f"is given {len(values)} times"
            raise InvalidInputError(f"The query parameter {name} {problem}: give it once, as ?{name}=….")
        return values[0]

    def document(self) -> Fields:
        """Parse the body, a JSON object."""
        try:
            return Fields(strict_json.loads(self.body), "the body")
        except ValueError as error:
            raise InvalidInputError(f"The body must be a JSON object, but {error}.") from error


@dataclass(frozen=True)
class Response:
    """A response, with `document` as its body."""

    document: JsonObject
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_event(self) -> JsonObject:
        return {
            "statusCode": self.status.value,
            "headers": {**_HEADERS, **self.headers},
            "body": strict_json.canonical(self.document),
            "isBase64Encoded": False,
        }


def _owner(event: Fields) -> str:
    identity = event.section("requestContext").section("identity")
    owner = identity.text("apiKeyId") if "apiKeyId" in identity else ""
    if not is_owner(owner):
        raise SettingsError(f"The method must require an API key, but the key's id is {quoted(owner)}.")
    return owner


def _body(event: Fields) -> str | bytes:
    text = event.value("body") if "body" in event else ""
    if not isinstance(text, str):
        raise InvalidInputError("The body must be text.")
    body = _decode(text) if event.flag("isBase64Encoded") else text
    if _length(body) > MAX_INPUT_BYTES:
        raise RequestTooLargeError(f"The body must not be longer than {MAX_INPUT_BYTES:,} bytes.")
    return body


def _length(body: str | bytes) -> int:
    """Return the length in bytes, also of text that cannot be encoded, which its reader then refuses."""
    return len(body if isinstance(body, bytes) else body.encode(errors="surrogatepass"))


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:  # the latter for letters beyond ASCII
        raise InvalidInputError("The body is not base64, although isBase64Encoded is true.") from error
