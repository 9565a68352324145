"""What can go wrong, grouped by what happens next.

`ConfigurationError`      the user must change settings, input or archive; trying again is useless
`AccessDeniedError`       the user must change a policy
`RevisionUnavailableError` the artifact is not there
`TransientError`          AWS stayed away for the moment: continue, and try again with the next job
`JobClosedError`          the job was answered already or timed out: there is nobody left to tell

Each group knows the failure type that CodePipeline is told. Messages tell the user
what to change; they never hold credentials, and texts that others wrote appear in
them only through `quoted`.
"""

from __future__ import annotations

import enum
from typing import ClassVar

from stepline.core.limits import MAX_QUOTED_CHARACTERS


class FailureType(enum.StrEnum):
    """`failureDetails.type` of PutJobFailureResult, those that the trigger uses."""

    JOB_FAILED = "JobFailed"
    CONFIGURATION_ERROR = "ConfigurationError"
    PERMISSION_ERROR = "PermissionError"
    REVISION_UNAVAILABLE = "RevisionUnavailable"
    SYSTEM_UNAVAILABLE = "SystemUnavailable"


class SteplineError(Exception):
    """Base of all errors that this project raises on purpose.

    `message` is for the user. `fields` are for the log: small, and never secret.
    """

    failure_type: ClassVar[FailureType] = FailureType.JOB_FAILED

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class ConfigurationError(SteplineError):
    """Settings, input or archive cannot be used; trying again would not help."""

    failure_type = FailureType.CONFIGURATION_ERROR


class SettingsError(ConfigurationError):
    """The function's environment lacks a setting or holds an unusable one."""


class UserParametersError(ConfigurationError):
    """The action's UserParameters cannot be used."""


class InputError(ConfigurationError):
    """The state machine's input is not a JSON object, or too large."""


class ArtifactFormatError(ConfigurationError):
    """The archive is no zip, is corrupt, or uses a feature that is not supported."""


class ArtifactMemberNotFoundError(ConfigurationError):
    """The archive does not hold the file that was asked for."""


class ArtifactMemberTooLargeError(ConfigurationError):
    """The file in the archive is larger than what may be read."""


class ObjectNotFoundError(ConfigurationError):
    """An S3 object that the settings name does not exist."""


class AccessDeniedError(SteplineError):
    """AWS refused access, or the credentials have expired."""

    failure_type = FailureType.PERMISSION_ERROR


class RevisionUnavailableError(SteplineError):
    """The input artifact, or its version, is not in the artifact store."""

    failure_type = FailureType.REVISION_UNAVAILABLE


class TransientError(SteplineError):
    """AWS could not be reached, throttled, or failed on its side: later it may work."""

    failure_type = FailureType.SYSTEM_UNAVAILABLE


class InternalError(SteplineError):
    """A mistake of this program: the job is answered all the same."""


class JobEventError(SteplineError):
    """The event is not one of a CodePipeline job."""


class TokenError(ConfigurationError):
    """The continuation token was not made by this function for this action."""


class ExecutionLostError(SteplineError):
    """The execution does not exist any more, or what became of it cannot be known."""


class DeadlinePassedError(SteplineError):
    """The job's time is over, and AWS could not be reached to do anything with it."""

    failure_type = FailureType.SYSTEM_UNAVAILABLE


class AnswerError(SteplineError):
    """CodePipeline did not take the answer; Lambda delivers the job again."""


class JobClosedError(SteplineError):
    """CodePipeline no longer waits for this job: it was answered, or it timed out."""


def quoted(text: object, max_characters: int = MAX_QUOTED_CHARACTERS) -> str:
    """A text that somebody else wrote, fit for a message: printable, cut, in quotes."""
    return f'"{printable(str(text), max_characters)}"'


def printable(text: str, max_characters: int) -> str:
    """`text` on one line, with escapes for what cannot be shown, at most `max_characters` long."""
    head = text[: 4 * max_characters]  # enough, and a megabyte of text costs nothing
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in " ".join(head.split())
    )
    return cut(shown if head == text else shown + "…", max_characters)


def is_unicode(text: str) -> bool:
    """Whether `text` can be sent: an escape in JSON can make half of a surrogate pair, which is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cut(text: str, max_characters: int) -> str:
    """`text`, or its beginning with an ellipsis, in at most `max_characters` (>= 1)."""
    return text if len(text) <= max_characters else text[: max_characters - 1].rstrip() + "…"
