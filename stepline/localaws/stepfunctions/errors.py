"""The errors of Step Functions, with the words that AWS uses."""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


def invalid_name(name: str) -> AwsError:
    return AwsError(f"Invalid Name: '{name}'", code="InvalidName")


def invalid_arn(reason: str) -> AwsError:
    return AwsError(f"Invalid Arn: '{reason}'", code="InvalidArn")


def wrong_resource_type(resource_type: str) -> AwsError:
    return invalid_arn(f"Resource type not valid in this context: {resource_type}")


def invalid_definition(reason: str) -> AwsError:
    return AwsError(f"Invalid State Machine Definition: '{reason}'", code="InvalidDefinition")


def invalid_input(reason: str) -> AwsError:
    return AwsError(f"Invalid State Machine Execution Input: '{reason}'", code="InvalidExecutionInput")


def invalid_output(reason: str) -> AwsError:
    return AwsError(f"Invalid Output: '{reason}'", code="InvalidOutput")


def invalid_token() -> AwsError:
    return AwsError("Invalid Token: 'Invalid token'", code="InvalidToken")


def machine_exists(arn: str) -> AwsError:
    return AwsError(f"State Machine Already Exists: '{arn}'", code="StateMachineAlreadyExists")


def machine_does_not_exist(arn: str) -> AwsError:
    return AwsError(f"State Machine Does Not Exist: '{arn}'", code="StateMachineDoesNotExist")


def machine_type_not_supported() -> AwsError:
    return AwsError(
        "This operation is not supported by this type of state machine", code="StateMachineTypeNotSupported"
    )


def execution_exists(arn: str) -> AwsError:
    return AwsError(f"Execution Already Exists: '{arn}'", code="ExecutionAlreadyExists")


def execution_does_not_exist(arn: str) -> AwsError:
    return AwsError(f"Execution Does Not Exist: '{arn}'", code="ExecutionDoesNotExist")


def execution_not_redrivable(reason: str) -> AwsError:
    return AwsError(reason, code="ExecutionNotRedrivable")


def shutting_down() -> AwsError:
    return AwsError("The local AWS is stopping", code="ServiceUnavailable", status=503)


def task_timed_out() -> AwsError:
    return AwsError("Task Timed Out: 'Provided task does not exist anymore'", code="TaskTimedOut")
