"""Describes stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.cloudformation.errors import StackChangedError, stack_does_not_exist
from stepline.core.cloudformation.stack_status import Phase, StackStatus, parse_status, phase_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Stack:
    """A stack. `id` is its ARN, which no other stack ever has, unlike its name.

    `role_arn` is the role of its last operation, `parent_id` the ARN of the stack in which it is nested; both
    may be empty. `changed_at`: when its creation or its latest update was started.
    """

    id: str
    name: str
    status: StackStatus
    reason: str
    parameter_names: frozenset[str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    role_arn: str
    parent_id: str
    changed_at: datetime

    @property
    def phase(self) -> Phase:
        return phase_of(self.status)


def find_stack(cloudformation: CloudFormationClient, name_or_id: str) -> Stack | None:
    """Return the stack, or None if CloudFormation reports that it does not exist.

    A deleted stack is found by its id for 90 days, with `Phase.DELETED`, but not by its name. Other
    exceptions of DescribeStacks (throttling, access denied) are raised: they do not mean that the stack does
    not exist.
    """
    try:
        response = cloudformation.describe_stacks(StackName=name_or_id)
    except ClientError as error:
        if stack_does_not_exist(error):
            return None
        raise
    stack = response["Stacks"][0]
    return Stack(
        id=stack["StackId"],
        name=stack["StackName"],
        status=parse_status(stack["StackStatus"]),
        reason=stack.get("StackStatusReason", ""),
        parameter_names=frozenset(item["ParameterKey"] for item in stack.get("Parameters", [])),
        outputs={item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        role_arn=stack.get("RoleARN", ""),
        parent_id=stack.get("ParentId", ""),
        changed_at=stack.get("LastUpdatedTime") or stack["CreationTime"],
    )


def get_stack(cloudformation: CloudFormationClient, name_or_id: str) -> Stack:
    """Return a stack that existed a moment ago. Raise `StackChangedError` if it does not exist any more."""
    stack = find_stack(cloudformation, name_or_id)
    if stack is None or stack.phase is Phase.DELETED:
        raise StackChangedError(f"The stack {name_or_id} was deleted by another process.")
    return stack
