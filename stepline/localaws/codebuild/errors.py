"""The errors of CodeBuild: https://docs.aws.amazon.com/codebuild/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.core.errors import SteplineError
from stepline.localaws.protocol import AwsError


class InvalidInputException(AwsError):
    """The request is not valid [model]."""


class ResourceNotFoundException(AwsError):
    """The project or build does not exist [model]."""


class ResourceAlreadyExistsException(AwsError):
    """A project with this name exists [model]."""


class PhaseError(SteplineError):
    """A phase of a build failed: `code` and the message become the phase's context [PhaseContext, model]."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BuildEndedError(SteplineError):
    """The build's processes were killed: the build was stopped or timed out, or the local AWS stops."""
