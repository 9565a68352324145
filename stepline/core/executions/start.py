"""Starts an execution at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call
from stepline.core.executions.arns import ExecutionArn, MachineArn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def start_execution(client: SFNClient, machine: MachineArn, name: str, text: str) -> ExecutionArn:
    """Start the execution `name` (1 to 80 of `0-9A-Za-z_-`) with the input `text` (JSON, at most 256 KiB).

    If an execution of this name exists, return it: callers derive the name from the reason for the execution,
    so it is the same one. Step Functions remembers a name for 90 days after the execution has ended
    (StartExecution, API reference). Do not use this for Express state machines, which can have many
    executions of the same name.

    Raise `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        response = client.start_execution(stateMachineArn=str(machine), name=name, input=text)
    except AWS_FAILURES as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return machine.execution(name)
        raise failed_call("states:StartExecution", str(machine), error) from error
    return ExecutionArn.parse(response["executionArn"]) or machine.execution(name)
