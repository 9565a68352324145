"""`maxResults` and `nextToken`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any

from stepline.localaws.stepfunctions import errors

DEFAULT_PAGE_SIZE = 100
"""Of ListExecutions, ListStateMachines and GetExecutionHistory; `maxResults` 0 means this too."""


def page(
    items: Sequence[Any],
    *,
    key: Callable[[Any], str],
    scope: str,
    max_results: int | None,
    next_token: str | None,
) -> tuple[list[Any], str | None]:
    """One page of `items` and the token of the next one.

    The token names the last item by its `key`, so that items that come meanwhile, before it,
    do not shift the pages. `scope` tells the query; a token of another one is an InvalidToken.
    """
    start = 0
    if next_token is not None:
        last_key = _read(next_token, scope)
        keys = [key(item) for item in items]
        if last_key not in keys:
            raise errors.invalid_token()
        start = keys.index(last_key) + 1
    end = start + (max_results or DEFAULT_PAGE_SIZE)
    token = _write(scope, key(items[end - 1])) if end < len(items) else None
    return list(items[start:end]), token


def _write(scope: str, last_key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, last_key]).encode()).decode()


def _read(token: str, scope: str) -> str:
    try:
        token_scope, last_key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error) as error:
        raise errors.invalid_token() from error
    if token_scope != scope:
        raise errors.invalid_token()
    return str(last_key)
