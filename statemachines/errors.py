"""What can go wrong in a task of any state machine, grouped by what happens next.

The class names are the error names that the ASL files retry and catch, and that their users are shown; a
name must therefore not be changed on one side only. Each state machine adds its own in its `errors.py`.

try again       `TransientAwsError`
tell the user   `InvalidInputError`, `PermissionDeniedError`, `RequestRefusedError`, `SettingsError`

A message begins with the cause, because consoles cut the end; it never holds credentials.
"""

from __future__ import annotations

from typing import Final

from stepline.core.errors import printable

MAX_MESSAGE_CHARACTERS: Final = 4_000
"""Length of an error message [ours]: a cause holds 32,768 characters (`SensitiveCause` [model]), Lambda
wraps the message in JSON, where a character may take six, and adds the stack trace."""

MAX_REASON_CHARACTERS: Final = 1_500
"""Of an AWS service's own words in a message [ours]."""


class TaskError(Exception):
    """Base of all errors of the tasks. `message` is for the user."""

    def __init__(self, message: str) -> None:
        self.message = printable(message, MAX_MESSAGE_CHARACTERS)
        super().__init__(self.message)


class TransientAwsError(TaskError):
    """AWS throttled, failed on its side or could not be reached: the task is run again."""


class SettingsError(TaskError):
    """The function's environment lacks a setting or holds an unusable one."""


class InvalidInputError(TaskError):
    """The input, or something that it names, cannot be used."""


class PermissionDeniedError(TaskError):
    """AWS refused access: a policy must be changed."""


class RequestRefusedError(TaskError):
    """An AWS service refused a request as such."""
