"""What can go wrong with a job, besides the errors of `stepline.core.errors`.

`failure_type` says how CodePipeline is told of each.
"""

from __future__ import annotations

import enum
from typing import Final

from stepline.core.archives.errors import RevisionUnavailableError
from stepline.core.errors import ConfigurationError, PermissionDeniedError, SteplineError, TransientAwsError


class ObjectNotFoundError(ConfigurationError):
    """An S3 object that the settings name does not exist."""


class UserParametersError(ConfigurationError):
    """The action's UserParameters cannot be used."""


class InternalError(SteplineError):
    """A bug in this program: the job is answered all the same."""


class JobEventError(SteplineError):
    """The event is not one of a CodePipeline job."""


class TokenError(ConfigurationError):
    """The continuation token was not made by this function for this action."""


class ExecutionLostError(SteplineError):
    """The execution no longer exists, or its outcome cannot be known."""


class DeadlinePassedError(SteplineError):
    """The job's time is over, and AWS could not be reached to start or stop anything."""


class AnswerError(SteplineError):
    """CodePipeline did not take the answer; Lambda delivers the job again."""


class JobClosedError(SteplineError):
    """CodePipeline no longer waits for this job: it was answered, or it timed out."""


class FailureType(enum.StrEnum):
    """`failureDetails.type` of PutJobFailureResult, those that the trigger uses [model: FailureType]."""

    JOB_FAILED = "JobFailed"
    CONFIGURATION_ERROR = "ConfigurationError"
    PERMISSION_ERROR = "PermissionError"
    REVISION_UNAVAILABLE = "RevisionUnavailable"
    SYSTEM_UNAVAILABLE = "SystemUnavailable"


_FAILURE_TYPES: Final = {
    PermissionDeniedError: FailureType.PERMISSION_ERROR,
    RevisionUnavailableError: FailureType.REVISION_UNAVAILABLE,
    TransientAwsError: FailureType.SYSTEM_UNAVAILABLE,
    DeadlinePassedError: FailureType.SYSTEM_UNAVAILABLE,
    ConfigurationError: FailureType.CONFIGURATION_ERROR,
}


def failure_type(error: SteplineError) -> FailureType:
    """How `error` is reported to CodePipeline; `JobFailed` for what fits no other type."""
    for error_class, found in _FAILURE_TYPES.items():
        if isinstance(error, error_class):
            return found
    return FailureType.JOB_FAILED
