"""Reads the stack that the user names, and its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.core.cloudformation.errors import stack_does_not_exist
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

DEFAULT_STACK: Final = "stepline"
"""The stack of template.yaml: its name in samconfig.toml, and the default of `stepline up`."""


def describe_stack(
    cloudformation: CloudFormationClient, stack_name: str, *, advice: str = "deploy it first"
) -> StackTypeDef:
    """Return the stack. Raises UsageError with `advice` if it does not exist."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if not stack_does_not_exist(error):
            raise
        raise UsageError(f"stack {stack_name} does not exist: {advice}") from error
    return stack


def stack_outputs(stack: StackTypeDef) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
