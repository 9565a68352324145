"""Texts that others wrote, as they fit into a line of a table or of a log."""

from __future__ import annotations

import re

_LINK_AT_END = re.compile(r"\s*https?://\S+$")


def subject(message: str | None) -> str:
    """The first line, which is what git calls the subject of a commit's message."""
    return one_line((message or "").strip().partition("\n")[0])


def headline(summary: str | None) -> str:
    """The first line of an action's summary without the link that ends it: that would break every table."""
    return _LINK_AT_END.sub("", subject(summary))


def reason(message: str) -> str:
    """All of an error's message, without the link that ends it."""
    return _LINK_AT_END.sub("", one_line(message))


def one_line(text: str) -> str:
    return " ".join(text.split())
