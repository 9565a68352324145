"""The errors of CodePipeline, by AWS's codes: https://docs.aws.amazon.com/codepipeline/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


class ActionNotFoundException(AwsError):
    pass


class ApprovalAlreadyCompletedException(AwsError):
    pass


class ConcurrentPipelineExecutionsLimitExceededException(AwsError):
    pass


class ConflictException(AwsError):
    pass


class DuplicatedStopRequestException(AwsError):
    pass


class InvalidActionDeclarationException(AwsError):
    pass


class InvalidApprovalTokenException(AwsError):
    pass


class InvalidArnException(AwsError):
    pass


class InvalidJobStateException(AwsError):
    pass


class InvalidNextTokenException(AwsError):
    pass


class InvalidStageDeclarationException(AwsError):
    pass


class InvalidStructureException(AwsError):
    pass


class InvalidTagsException(AwsError):
    pass


class JobNotFoundException(AwsError):
    pass


class LimitExceededException(AwsError):
    pass


class NotLatestPipelineExecutionException(AwsError):
    pass


class OutputVariablesSizeExceededException(AwsError):
    pass


class PipelineExecutionNotFoundException(AwsError):
    pass


class PipelineExecutionNotStoppableException(AwsError):
    pass


class PipelineNameInUseException(AwsError):
    pass


class PipelineNotFoundException(AwsError):
    pass


class PipelineVersionNotFoundException(AwsError):
    pass


class ResourceNotFoundException(AwsError):
    pass


class StageNotFoundException(AwsError):
    pass


class StageNotRetryableException(AwsError):
    pass


class TooManyTagsException(AwsError):
    pass
