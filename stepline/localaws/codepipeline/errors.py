"""The errors of CodePipeline's API.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/CommonErrors.html and each operation's page.
"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


class ActionNotFoundException(AwsError):
    """Raised when the stage does not declare the action."""


class ApprovalAlreadyCompletedException(AwsError):
    """Raised when the approval action was approved or rejected before, or has timed out."""


class ConcurrentPipelineExecutionsLimitExceededException(AwsError):
    """Raised when a pipeline in mode QUEUED or PARALLEL has 50 executions in progress."""


class ConflictException(AwsError):
    """Raised when a stage is to be retried that is still in progress."""


class DuplicatedStopRequestException(AwsError):
    """Raised when the execution is being stopped already, in the same way."""


class InvalidActionDeclarationException(AwsError):
    """Raised when an action of a pipeline's structure is not valid."""


class InvalidApprovalTokenException(AwsError):
    """Raised when no execution of the approval action has the token."""


class InvalidArnException(AwsError):
    """Raised when the ARN is not one of a pipeline in this account and region."""


class InvalidJobStateException(AwsError):
    """Raised when a result is put for a job that has one, that timed out, or whose action has ended."""


class InvalidNextTokenException(AwsError):
    """Raised when the token was not returned by the previous request of the same list."""


class InvalidStageDeclarationException(AwsError):
    """Raised when a stage of a pipeline's structure is not valid."""


class InvalidStructureException(AwsError):
    """Raised when a pipeline's structure as a whole is not valid."""


class InvalidTagsException(AwsError):
    """Raised when a tag key has the reserved prefix `aws:`."""


class JobNotFoundException(AwsError):
    """Raised when the job does not exist, or is no longer kept."""


class LimitExceededException(AwsError):
    """Raised when a pipeline has too many stages, or a stage too many actions."""


class NotLatestPipelineExecutionException(AwsError):
    """Raised when a stage is to be retried that a later execution has entered."""


class OutputVariablesSizeExceededException(AwsError):
    """Raised when a job's output variables exceed 122,880 bytes."""


class PipelineExecutionNotFoundException(AwsError):
    """Raised when the pipeline has no such execution, or no longer keeps it."""


class PipelineExecutionNotStoppableException(AwsError):
    """Raised when the execution does not exist or has ended."""


class PipelineNameInUseException(AwsError):
    """Raised when a pipeline of that name exists."""


class PipelineNotFoundException(AwsError):
    """Raised when the pipeline does not exist."""


class PipelineVersionNotFoundException(AwsError):
    """Raised when the pipeline has no such version, or no longer keeps it."""


class ResourceNotFoundException(AwsError):
    """Raised when no pipeline has the ARN."""


class StageNotFoundException(AwsError):
    """Raised when the pipeline does not declare the stage."""


class StageNotRetryableException(AwsError):
    """Raised when the stage has not failed or been stopped in that execution, or the pipeline has changed."""


class TooManyTagsException(AwsError):
    """Raised when a pipeline would have more than 50 tags."""
