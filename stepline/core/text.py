"""Prepares text of users and of AWS for messages: on one line, printable, and of limited length."""

from __future__ import annotations

from collections.abc import Sequence

from stepline.core.limits import MAX_QUOTED_CHARACTERS


def quoted(text: object, max_characters: int = MAX_QUOTED_CHARACTERS) -> str:
    """Return `text` in quotation marks, printable and cut."""
    return f'"{printable(str(text), max_characters)}"'


def printable(text: str, max_characters: int) -> str:
    """Return `text` on one line, with escapes for unprintable characters, at most `max_characters` long."""
    head = text[: 4 * max_characters]  # enough, and fast also for a megabyte of text
    shown = one_line(head)
    if not shown.isprintable():
        shown = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in shown
        )
    return cut(shown if head == text else shown + "…", max_characters)


def one_line(text: str) -> str:
    """Return `text` with each run of white space replaced by one blank."""
    return " ".join(text.split())


def is_unicode(text: str) -> bool:
    """Return whether `text` can be sent as UTF-8: an escape in JSON can give half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def joined(phrases: Sequence[str], max_characters: int, separator: str = ", ") -> str:
    """Return as many phrases as fit into `max_characters`, and how many more there are."""
    more = f"{separator}and {{}} more"
    room = max_characters - len(more) - len(str(len(phrases)))
    shown: list[str] = []
    for phrase in phrases:
        room -= len(phrase) + len(separator)
        if room < 0:
            break
        shown.append(phrase)
    rest = len(phrases) - len(shown)
    return separator.join(shown) + (more.format(rest) if rest else "")


def cut_bytes(text: str, max_bytes: int) -> str:
    """Return the beginning of `text` that has at most `max_bytes` as UTF-8."""
    return text.encode()[:max_bytes].decode(errors="ignore")


def cut(text: str, max_characters: int) -> str:
    """Return `text`, or its beginning and an ellipsis, in at most `max_characters` (>= 1)."""
    return text if len(text) <= max_characters else text[: max_characters - 1].rstrip() + "…"
