"""Long answers in pages, with a token to go on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from stepline.localaws.protocol import AwsError

PAGE_SIZE = 1000
"""Items of a page where the caller cannot choose; AWS does not document its own size."""

_OFFSET_PREFIX = "offset:"

Item = TypeVar("Item")


def page(items: Sequence[Item], token: str | None, size: int) -> tuple[Sequence[Item], str | None]:
    """The page that `token` asks for (None: the first), and the token of the next (None: there is none).

    Raises InvalidContinuationTokenException for a token that was not given out here.
    """
    start = 0 if token is None else _offset(token)
    end = start + size
    return items[start:end], _token(end) if end < len(items) else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"{_OFFSET_PREFIX}{offset}".encode()).decode()


def _offset(token: str) -> int:
    try:
        text = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
        return int(text.removeprefix(_OFFSET_PREFIX))
    except (binascii.Error, ValueError) as error:
        message = "The specified continuation token is not valid."
        raise AwsError("InvalidContinuationTokenException", message) from error
