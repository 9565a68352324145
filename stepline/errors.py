"""What goes wrong because of what the user asked for, told in one line."""

from __future__ import annotations


class UsageError(Exception):
    """The message names the thing and says what to do; the command line prints it without a traceback."""
