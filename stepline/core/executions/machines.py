"""What must be known of a state machine before it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.core.aws_errors import AWS_FAILURES, failed_call

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from stepline.core.executions.arns import MachineArn


def is_express(client: SFNClient, machine: MachineArn) -> bool:
    """Whether the machine is an Express one, whose executions cannot be started once. It never changes.

    Raises `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
    """
    try:
        answer = client.describe_state_machine(stateMachineArn=machine.base, includedData="METADATA_ONLY")
    except AWS_FAILURES as error:
        raise failed_call("states:DescribeStateMachine", machine.base, error) from error
    return answer["type"] == "EXPRESS"
