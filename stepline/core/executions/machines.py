"""Finds out whether a state machine is Standard or Express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.core.aws_errors import AWS_FAILURES, failed_call

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from stepline.core.executions.arns import MachineArn


def is_express(client: SFNClient, machine: MachineArn) -> bool:
    """Return whether the state machine is Express: its StartExecution is not idempotent. This never changes.

    Raise `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        response = client.describe_state_machine(stateMachineArn=machine.base, includedData="METADATA_ONLY")
    except AWS_FAILURES as error:
        raise failed_call("states:DescribeStateMachine", machine.base, error) from error
    return response["type"] == "EXPRESS"
