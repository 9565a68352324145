"""The errors of CodePipeline's API.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/CommonErrors.html and each operation's page.
"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


class ActionNotFoundException(AwsError):
    """The stage does not declare the action."""


class ActionTypeAlreadyExistsException(AwsError):
    """The custom action type exists, or was deleted, with a different definition."""


class ActionTypeNotFoundException(AwsError):
    """The custom action type does not exist, or was deleted."""


class ApprovalAlreadyCompletedException(AwsError):
    """The approval action was approved or rejected before, or has timed out."""


class ConcurrentPipelineExecutionsLimitExceededException(AwsError):
    """A pipeline in mode QUEUED or PARALLEL has 50 executions in progress."""


class ConflictException(AwsError):
    """A stage is to be retried that is still in progress."""


class DuplicatedStopRequestException(AwsError):
    """The execution is being stopped already, in the same way."""


class InvalidActionDeclarationException(AwsError):
    """An action of a pipeline's structure is not valid."""


class InvalidApprovalTokenException(AwsError):
    """No execution of the approval action has the token."""


class InvalidArnException(AwsError):
    """The ARN is not one of a pipeline or custom action type in this account and region."""


class InvalidJobStateException(AwsError):
    """A result is put for a job that was not acknowledged, has one, timed out, or whose action has ended."""


class InvalidNextTokenException(AwsError):
    """The token was not returned by the previous request of the same list."""


class InvalidNonceException(AwsError):
    """A job is acknowledged with a nonce that is not its latest one, or was used."""


class InvalidStageDeclarationException(AwsError):
    """A stage of a pipeline's structure is not valid."""


class InvalidStructureException(AwsError):
    """A pipeline's structure as a whole is not valid."""


class InvalidTagsException(AwsError):
    """A tag key has the reserved prefix `aws:`."""


class JobNotFoundException(AwsError):
    """The job does not exist, or is no longer kept."""


class LimitExceededException(AwsError):
    """A pipeline has too many stages, a stage too many actions, or the account too many action types."""


class NotLatestPipelineExecutionException(AwsError):
    """A stage is to be retried that a later execution has entered."""


class OutputVariablesSizeExceededException(AwsError):
    """A job's output variables exceed 122,880 bytes."""


class PipelineExecutionNotFoundException(AwsError):
    """The pipeline has no such execution, or no longer keeps it."""


class PipelineExecutionNotStoppableException(AwsError):
    """The execution does not exist or has ended."""


class PipelineNameInUseException(AwsError):
    """A pipeline of that name exists."""


class PipelineNotFoundException(AwsError):
    """The pipeline does not exist."""


class PipelineVersionNotFoundException(AwsError):
    """The pipeline has no such version, or no longer keeps it."""


class ResourceNotFoundException(AwsError):
    """No pipeline or custom action type has the ARN."""


class StageNotFoundException(AwsError):
    """The pipeline does not declare the stage."""


class StageNotRetryableException(AwsError):
    """The stage has not failed or been stopped in that execution, or the pipeline has changed."""


class TooManyTagsException(AwsError):
    """A resource would have more than 50 tags."""
