"""The errors of Step Functions: https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html"""

from __future__ import annotations

from typing import ClassVar

from stepline.localaws.protocol import AwsError


class _ErrorWithDetail(AwsError):
    """An error whose message quotes one detail: a name, an ARN or a reason."""

    template: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(self.template.format(detail))


class AccessDeniedException(AwsError):
    """A role does not allow what the service needs."""


class ConflictException(AwsError):
    """What exists, or is in use, does not fit the request."""


class ActivityDoesNotExist(_ErrorWithDetail):
    template = "Activity Does Not Exist: '{}'"


class ExecutionAlreadyExists(_ErrorWithDetail):
    template = "Execution Already Exists: '{}'"


class ExecutionDoesNotExist(_ErrorWithDetail):
    template = "Execution Does Not Exist: '{}'"


class ExecutionNotRedrivable(_ErrorWithDetail):
    template = "Execution Not Redrivable: '{}'"


class InvalidArn(_ErrorWithDetail):
    template = "Invalid Arn: '{}'"


class InvalidDefinition(_ErrorWithDetail):
    template = "Invalid State Machine Definition: '{}'"


class InvalidExecutionInput(_ErrorWithDetail):
    template = "Invalid State Machine Execution Input: '{}'"


class InvalidLoggingConfiguration(_ErrorWithDetail):
    template = "Invalid Logging Configuration: {}"


class InvalidName(_ErrorWithDetail):
    template = "Invalid Name: '{}'"


class InvalidOutput(_ErrorWithDetail):
    template = "Invalid Output: '{}'"


class InvalidToken(AwsError):
    def __init__(self) -> None:
        super().__init__("Invalid Token: 'Invalid token'")


class MissingRequiredParameter(AwsError):
    def __init__(self) -> None:
        super().__init__(
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
            "must be specified"
        )


class ResourceNotFound(AwsError):
    def __init__(self, arn: str) -> None:
        super().__init__(f"Resource not found: '{arn}'", resourceName=arn)


class ServiceQuotaExceededException(AwsError):
    """There are too many versions or aliases."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"The quota is exceeded: a state machine has {limit}")


class ServiceUnavailable(AwsError):
    status = 503

    def __init__(self) -> None:
        super().__init__("The local AWS is stopping")


class StateMachineAlreadyExists(_ErrorWithDetail):
    template = "State Machine Already Exists: '{}'"


class StateMachineDoesNotExist(_ErrorWithDetail):
    template = "State Machine Does Not Exist: '{}'"


class StateMachineTypeNotSupported(AwsError):
    def __init__(self) -> None:
        super().__init__("This operation is not supported by this type of state machine")


class TooManyTags(AwsError):
    def __init__(self) -> None:
        super().__init__("You've exceeded the number of tags allowed for a resource.")


class TaskTimedOut(AwsError):
    def __init__(self) -> None:
        super().__init__("Task Timed Out: 'Provided task does not exist anymore'")
