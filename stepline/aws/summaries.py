"""Shortens commit messages, summaries and error messages to one line."""

from __future__ import annotations

import re

from stepline.core.text import one_line

_LINK_AT_END = re.compile(r"\s*https?://\S+$")


def first_line(text: str | None) -> str:
    """Return the first line, such as the subject of a commit message."""
    return one_line((text or "").strip().partition("\n")[0])


def summary_line(summary: str | None) -> str:
    """Return the first line of an action's summary without the link at its end, which would break tables."""
    return _LINK_AT_END.sub("", first_line(summary))


def error_line(message: str) -> str:
    """Return the whole error message on one line, without the link at its end."""
    return _LINK_AT_END.sub("", one_line(message))
