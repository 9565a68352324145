"""Lists the functions, or the resources of another type, of stacks and the stacks nested in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_FUNCTION: Final = "AWS::Lambda::Function"
_NESTED_STACK: Final = "AWS::CloudFormation::Stack"
_UNREADABLE: Final = frozenset({"ValidationError", "AccessDenied"})
"""The stack does not exist, or may not be read."""


@dataclass(frozen=True)
class StackFunction:
    """A function, or another resource, and its physical name; without `nested_stack` in the root stack."""

    name: str
    logical_id: str
    root_stack: str
    nested_stack: str | None


def list_stack_functions(
    cloudformation: CloudFormationClient, stack: str, *, root: str | None = None, type_name: str = _FUNCTION
) -> Iterator[StackFunction]:
    """Yield the functions, or the resources of another type, of a stack and its nested ones.

    None if the stack does not exist, or may not be read.
    """
    name = _stack_name(stack)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    try:
        resources = [each for page in pages for each in page["StackResourceSummaries"]]
    except ClientError as error:
        if error_code(error) in _UNREADABLE:
            return
        raise
    for each in resources:
        physical_id = each.get("PhysicalResourceId")
        if physical_id and each["ResourceType"] == type_name:
            nested = name if root else None
            yield StackFunction(physical_id, each["LogicalResourceId"], root or name, nested)
        elif physical_id and each["ResourceType"] == _NESTED_STACK:
            yield from list_stack_functions(
                cloudformation, physical_id, root=root or name, type_name=type_name
            )


def list_stacks_with_functions(
    cloudformation: CloudFormationClient, *, besides: str, type_name: str = _FUNCTION
) -> Iterator[StackFunction]:
    """Yield the functions of all root stacks but one; none if the stacks may not be listed."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    try:
        stacks = [each for page in pages for each in page["Stacks"]]
    except ClientError as error:
        if error_code(error) in _UNREADABLE:
            return
        raise
    for stack in stacks:
        if "ParentId" not in stack and stack["StackName"] != besides:
            yield from list_stack_functions(cloudformation, stack["StackName"], type_name=type_name)


def _stack_name(stack: str) -> str:
    """Return the name: an ARN is `arn:…:stack/<name>/<id>`."""
    return stack.split("/")[1] if stack.startswith("arn:") else stack
