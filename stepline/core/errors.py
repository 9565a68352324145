"""Errors that all packages share, grouped by what resolves them.

| error                                   | resolved by                            |
|-----------------------------------------|----------------------------------------|
| `TransientAwsError`                     | a retry                                |
| `PermissionDeniedError`                 | another policy, or new credentials     |
| `ConfigurationError` and its subclasses | other settings, input or AWS resources |
| `UsageError`                            | another command                        |

The class names are visible: Step Functions reports the class of the exception that a task raises, and the ASL
files retry and catch by it. Each package defines further errors in its `errors.py`.

A message begins with the cause, because consoles cut the end. It never contains credentials, and text of
users or of AWS only through `stepline.core.text`.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from stepline.core.text import printable


class SteplineError(Exception):
    """Base of all errors that stepline raises on purpose.

    `message` is one line of at most 4,000 characters for the user. `fields` are for the log: small, and never
    secret.
    """

    def __init__(self, message: str, **fields: object) -> None:
        self.message = printable(message, MAX_MESSAGE_CHARACTERS)
        self.fields = fields
        super().__init__(self.message)


class TransientAwsError(SteplineError):
    """AWS throttled the call, failed on its side, or could not be reached: a later attempt may succeed."""


class PermissionDeniedError(SteplineError):
    """AWS denied access, or the credentials have expired."""


class ConfigurationError(SteplineError):
    """Settings, input or an archive cannot be used. A retry would not help."""


class SettingsError(ConfigurationError):
    """An environment variable is missing or has a value that cannot be used."""


class InvalidInputError(ConfigurationError):
    """The input, or something that it refers to, cannot be used."""


class RequestRefusedError(ConfigurationError):
    """An AWS service refused the request: it is not valid, or refers to something that does not exist."""


class UsageError(ConfigurationError):
    """A command cannot be executed as given. The message says why and what to do.

    `details` are lines that help to find the cause, such as the end of a log.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


def code_locations(error: BaseException) -> list[str]:
    """Return the stack trace of an unexpected error without its message, which may contain anything."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
