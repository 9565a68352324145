"""Errors of jobs, besides those of `stepline.core.errors`, and how each is reported to CodePipeline."""

from __future__ import annotations

from typing import Final

from stepline.core.archives.errors import RevisionUnavailableError
from stepline.core.errors import ConfigurationError, PermissionDeniedError, SteplineError, TransientAwsError
from stepline.core.failure_types import FailureType


class ObjectNotFoundError(ConfigurationError):
    """The S3 object with the input does not exist."""


class ActionParametersError(ConfigurationError):
    """The action's UserParameters, or the properties of the custom action, cannot be used."""


class InternalError(SteplineError):
    """A bug in the trigger."""


class JobEventError(SteplineError):
    """The event is not that of a CodePipeline job, or the job lacks a member."""


class TokenError(ConfigurationError):
    """The continuation token was not created by this function for this action."""


class ExecutionLostError(SteplineError):
    """The execution does not exist any more, or its outcome cannot be known."""


class DeadlinePassedError(SteplineError):
    """The action's timeout has passed, and AWS could not be reached to start the execution."""


class JobResultError(SteplineError):
    """CodePipeline did not accept the job's result. Lambda invokes the function again."""


class JobClosedError(SteplineError):
    """CodePipeline does not wait for this job any more: it has a result, or it timed out."""


class EndNotVisibleError(TransientAwsError):
    """An execution has ended, but AWS does not show it yet. Lambda invokes the function again."""


class JobNotFoundError(SteplineError):
    """CodePipeline has no such job, for example if the event was written by hand."""


_FAILURE_TYPES: Final = {
    PermissionDeniedError: FailureType.PERMISSION_ERROR,
    RevisionUnavailableError: FailureType.REVISION_UNAVAILABLE,
    TransientAwsError: FailureType.SYSTEM_UNAVAILABLE,
    DeadlinePassedError: FailureType.SYSTEM_UNAVAILABLE,
    ConfigurationError: FailureType.CONFIGURATION_ERROR,
}


def failure_type(error: SteplineError) -> FailureType:
    """Return how `error` is reported to CodePipeline; `JobFailed` if no other type fits."""
    for error_class, found in _FAILURE_TYPES.items():
        if isinstance(error, error_class):
            return found
    return FailureType.JOB_FAILED
