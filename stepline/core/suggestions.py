"""Finds the name that a mistyped one stands for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def similar_name(text: str, names: Iterable[str]) -> str | None:
    """Return the name that is most similar to `text`, without regard to case, or None."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(text.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return ` (did you mean 'name'?)` for a message, or an empty text if no name is similar."""
    name = similar_name(text, names)
    return f" (did you mean {name!r}?)" if name else ""
