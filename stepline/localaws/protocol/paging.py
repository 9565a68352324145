"""Pages of a list: `maxResults` and `nextToken`, whatever a service calls them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from stepline.localaws.protocol.errors import AwsError

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    *,
    key: Callable[[Item], str],
    limit: int,
    token: str | None,
    invalid_token: AwsError,
    scope: str = "",
) -> tuple[list[Item], str | None]:
    """Up to `limit` items after the one that `token` names, and the token of the next page, if any.

    The token names the last item by its `key`, so that items which are added meanwhile at the beginning do
    not shift the pages. `scope` identifies the query. Raises `invalid_token` for a token that was not
    returned for this query.
    """
    start = 0
    if token is not None:
        last = _read(token, scope)
        start = 1 + next((number for number, item in enumerate(items) if key(item) == last), -1)
        if not start:
            raise invalid_token
    end = start + limit
    next_token = _write(scope, key(items[end - 1])) if end < len(items) else None
    return list(items[start:end]), next_token


def _write(scope: str, last_key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, last_key]).encode()).decode()


def _read(token: str, scope: str) -> str | None:
    """The key of the last item; None for a token of another query, or of nobody."""
    try:
        token_scope, last_key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        return None
    return str(last_key) if token_scope == scope else None
