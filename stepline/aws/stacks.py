"""Finds the stack that the user names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.cloudformation.errors import stack_does_not_exist
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


def describe_stack(
    cloudformation: CloudFormationClient, stack_name: str, *, advice: str = "deploy it first"
) -> StackTypeDef:
    """Raises UsageError, with the advice, if there is no such stack."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if not stack_does_not_exist(error):
            raise
        raise UsageError(f"there is no stack {stack_name}: {advice}") from error
    return stack


def outputs_of(stack: StackTypeDef) -> dict[str, str]:
    """The stack's outputs by key."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
