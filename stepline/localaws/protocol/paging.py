"""Pages of a list: `maxResults` and `nextToken`, under the names of each service."""

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
    index_of: Callable[[str], int] | None = None,
) -> tuple[list[Item], str | None]:
    """Return up to `limit` items after the one that `token` names, and the token of the next page or None.

    The token names the last item by its `key`, so that items added at the beginning in the meantime do not
    shift the pages. `scope` identifies the query. `index_of` returns where the item of a key must be, if that
    is known without a search. Raises `invalid_token` if `token` was not returned for this
    query, or its item was deleted.
    """
    start = 0
    if token is not None:
        last_key = _parse_token(token, scope)
        candidates = range(len(items)) if index_of is None else [_parse_index(last_key, index_of)]
        start = 1 + next((i for i in candidates if 0 <= i < len(items) and key(items[i]) == last_key), -1)
        if not start:
            raise invalid_token
    end = start + limit
    next_token = _encode_token(scope, key(items[end - 1])) if end < len(items) else None
    return list(items[start:end]), next_token


def _parse_index(key: str | None, index_of: Callable[[str], int]) -> int:
    return -1 if key is None else index_of(key)


def _encode_token(scope: str, last_key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, last_key]).encode()).decode()


def _parse_token(token: str, scope: str) -> str | None:
    """Return the key of the last item; None for a token of another query or not made by `page`."""
    try:
        token_scope, last_key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        return None
    return str(last_key) if token_scope == scope else None
