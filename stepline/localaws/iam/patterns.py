"""Matches texts with the patterns of policies, and normalizes their elements."""

from __future__ import annotations

import functools
import re
from typing import Any

_MAX_PATTERNS = 4096


def matches(pattern: str, value: str, *, case: bool = True) -> bool:
    """Whether `value` matches the pattern: `*` stands for any characters, `?` for one."""
    return pattern == "*" or _compiled(pattern, case).fullmatch(value) is not None


@functools.lru_cache(maxsize=_MAX_PATTERNS)
def _compiled(pattern: str, case: bool) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in pattern)
    return re.compile("".join(parts), re.DOTALL | (0 if case else re.IGNORECASE))


def as_list(element: Any) -> list[Any]:
    """Return an element that may be absent (None), one value or a list as a list."""
    return [] if element is None else element if isinstance(element, list) else [element]
