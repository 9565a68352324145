"""Starts an execution under a name of its own, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call
from stepline.core.executions.arns import ExecutionArn, MachineArn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def start_execution(client: SFNClient, machine: MachineArn, name: str, text: str) -> ExecutionArn:
    """Start the execution `name` (1 to 80 of `0-9A-Za-z_-`) with the input `text`, JSON of 262,144 bytes.

    One of that name that exists already is taken for the same: a name is made from what the
    execution is for, and nobody else makes it. That holds for 90 days after the execution's end, as long
    as Step Functions remembers the name (StartExecution, API reference). Not for Express
    machines, whose executions of one name are as many as were started.

    Raises `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        answer = client.start_execution(stateMachineArn=str(machine), name=name, input=text)
    except AWS_FAILURES as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return machine.execution(name)
        raise failed_call("states:StartExecution", str(machine), error) from error
    return ExecutionArn.parse(answer["executionArn"]) or machine.execution(name)
