"""Text that others wrote, made fit for a message: on one line, printable, cut to a length."""

from __future__ import annotations

from stepline.core.limits import MAX_QUOTED_CHARACTERS


def quoted(text: object, max_characters: int = MAX_QUOTED_CHARACTERS) -> str:
    """`text` in quotation marks, printable and cut."""
    return f'"{printable(str(text), max_characters)}"'


def printable(text: str, max_characters: int) -> str:
    """`text` on one line, with escapes for what cannot be shown, at most `max_characters` long."""
    head = text[: 4 * max_characters]  # enough, and a megabyte of text costs nothing
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in one_line(head)
    )
    return cut(shown if head == text else shown + "…", max_characters)


def one_line(text: str) -> str:
    """`text` with each run of white space as one blank."""
    return " ".join(text.split())


def is_unicode(text: str) -> bool:
    """Whether `text` can be sent as UTF-8: an escape in JSON can make half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cut(text: str, max_characters: int) -> str:
    """`text`, or its beginning with an ellipsis, in at most `max_characters` (>= 1)."""
    return text if len(text) <= max_characters else text[: max_characters - 1].rstrip() + "…"
