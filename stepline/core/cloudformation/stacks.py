"""One look at a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.cloudformation.errors import StackChangedError, stack_does_not_exist
from stepline.core.cloudformation.stack_status import Phase, StackStatus, parse_status, phase_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Stack:
    """`id` is the ARN: unlike the name it never means another stack later."""

    id: str
    name: str
    status: StackStatus
    reason: str
    parameter_names: frozenset[str]
    outputs: Mapping[str, str]

    @property
    def phase(self) -> Phase:
        return phase_of(self.status)


def find_stack(cloudformation: CloudFormationClient, name_or_id: str) -> Stack | None:
    """The stack, or None if CloudFormation says that there is none of that name.

    A deleted stack is found by its id for 90 days, with `Phase.GONE`, and never by its name.
    Any other error of DescribeStacks (a throttle, no permission) is raised as it is: it
    does not mean that there is no stack.
    """
    try:
        answer = cloudformation.describe_stacks(StackName=name_or_id)
    except ClientError as error:
        if stack_does_not_exist(error):
            return None
        raise
    stack = answer["Stacks"][0]
    return Stack(
        id=stack["StackId"],
        name=stack["StackName"],
        status=parse_status(stack["StackStatus"]),
        reason=stack.get("StackStatusReason", ""),
        parameter_names=frozenset(item["ParameterKey"] for item in stack.get("Parameters", [])),
        outputs={item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
    )


def get_stack(cloudformation: CloudFormationClient, name_or_id: str) -> Stack:
    """The stack, which was there a moment ago. Raises `StackChangedError` if it is gone."""
    stack = find_stack(cloudformation, name_or_id)
    if stack is None or stack.phase is Phase.GONE:
        raise StackChangedError(f"The stack {name_or_id} was deleted meanwhile.")
    return stack
