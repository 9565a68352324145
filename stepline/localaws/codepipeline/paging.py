"""Pages of a list whose beginning may grow between two calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from stepline.localaws.protocol import AwsError

Item = TypeVar("Item")


def page(
    items: Sequence[Item], *, key: Callable[[Item], str], token: str | None, limit: int
) -> tuple[Sequence[Item], str | None]:
    """Up to `limit` items after the one that `token` names, and the token of the next page, if any.

    Raises InvalidNextTokenException for a token that names nothing.
    """
    start = 0
    if token is not None:
        wanted = _decode(token)
        found = next((index for index, item in enumerate(items) if key(item) == wanted), None)
        if found is None:
            raise _invalid()
        start = found + 1
    chosen = items[start : start + limit]
    has_more = start + limit < len(items)
    return chosen, _encode(key(chosen[-1])) if has_more else None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error


def _invalid() -> AwsError:
    return AwsError("InvalidNextTokenException", "The next token was specified in an invalid format")
