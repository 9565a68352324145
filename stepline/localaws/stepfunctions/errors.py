"""The errors of Step Functions, with the words that AWS uses."""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


def invalid_name(name: str) -> AwsError:
    return AwsError("InvalidName", f"Invalid Name: '{name}'")


def invalid_arn(reason: str) -> AwsError:
    return AwsError("InvalidArn", f"Invalid Arn: '{reason}'")


def wrong_resource_type(resource_type: str) -> AwsError:
    return invalid_arn(f"Resource type not valid in this context: {resource_type}")


def invalid_definition(reason: str) -> AwsError:
    return AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{reason}'")


def invalid_input(reason: str) -> AwsError:
    return AwsError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def invalid_output(reason: str) -> AwsError:
    return AwsError("InvalidOutput", f"Invalid Output: '{reason}'")


def invalid_token() -> AwsError:
    return AwsError("InvalidToken", "Invalid Token: 'Invalid token'")


def machine_exists(arn: str) -> AwsError:
    return AwsError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")


def machine_does_not_exist(arn: str) -> AwsError:
    return AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def machine_type_not_supported() -> AwsError:
    return AwsError(
        "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
    )


def execution_exists(arn: str) -> AwsError:
    return AwsError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")


def execution_does_not_exist(arn: str) -> AwsError:
    return AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def execution_not_redrivable(reason: str) -> AwsError:
    return AwsError("ExecutionNotRedrivable", reason)


def shutting_down() -> AwsError:
    return AwsError("ServiceUnavailable", "The local AWS is stopping", status=503)


def task_timed_out() -> AwsError:
    return AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
