"""What goes wrong because of what the user asked for, told in one line."""

from __future__ import annotations

from collections.abc import Sequence


class UsageError(Exception):
    """The message names the thing and says what to do; the command line prints it without a traceback.

    `details` are lines that help to understand it, such as the end of a log; they follow the message.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)
