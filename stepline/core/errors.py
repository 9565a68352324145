"""The errors that everything shares, grouped by what happens next.

retry             `TransientAwsError`
change a policy   `PermissionDeniedError`
change settings, input or request   `ConfigurationError` and its subclasses
change the command                  `UsageError`

Class names are also error names: Step Functions reports the class of the exception that a task raised, the
ASL files retry and catch by it, and users read it. Each package adds errors of its own in its `errors.py`.

A message begins with the cause, because consoles cut the end. It never holds credentials, and text that
others wrote appears in it only through `stepline.core.text`.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from stepline.core.text import printable


class SteplineError(Exception):
    """Base of all errors that this project raises on purpose.

    `message` is for the user: one line of at most 4,000 characters. `fields` are for the log: small, and
    never secret.
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
    """Settings, input or an archive cannot be used; another attempt would not help."""


class SettingsError(ConfigurationError):
    """The environment lacks a setting or holds an unusable one."""


class InvalidInputError(ConfigurationError):
    """The input, or something that it names, cannot be used."""


class RequestRefusedError(ConfigurationError):
    """An AWS service refused the request: it names something that does not exist, or is not valid."""


class UsageError(ConfigurationError):
    """A command cannot be carried out as given. The message names the thing and says what to do.

    `details` are lines that help to understand it, such as the end of a log.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)
