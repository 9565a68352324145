"""Finds the Lambda function that the user means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class Function:
    """`logical_id` is its name in the stack's template, if it comes from that stack."""

    name: str
    logical_id: str | None

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.name})" if self.logical_id else self.name


def list_functions(
    lambda_client: LambdaClient, cloudformation: CloudFormationClient, stack_name: str
) -> list[Function]:
    """All functions of the region, with the logical ids of those in the stack."""
    logical_ids = _logical_ids(cloudformation, stack_name)
    pages = lambda_client.get_paginator("list_functions").paginate()
    names = sorted(each["FunctionName"] for page in pages for each in page["Functions"])
    return [Function(name, logical_ids.get(name)) for name in names]


def find_function(functions: Sequence[Function], wanted: str) -> Function:
    """The function named `wanted`: its name or ARN, its logical id, or an unambiguous part of either.

    Parts are compared without regard to case and punctuation, so that `create-stack` finds
    `CreateStackFunction`. Raises UsageError, listing what it could be.
    """
    name = wanted.split(":")[6] if wanted.startswith("arn:") and wanted.count(":") >= 6 else wanted
    for function in functions:
        if name in {function.name, function.logical_id}:
            return function
    part = _letters(name)
    found = [function for function in functions if part and part in _searched(function)]
    best = [
        function for function in found if _letters(function.logical_id or "") in {part, f"{part}function"}
    ]
    if len(found) == 1 or len(best) == 1:
        return (best or found)[0]
    if found:
        raise UsageError(f"{wanted!r} could be: {_listed(found)}")
    if functions:
        raise UsageError(f"there is no function {wanted!r}; there are: {_listed(functions)}")
    raise UsageError("there are no functions: deploy template.yaml first (`stepline up` does so locally)")


def _logical_ids(cloudformation: CloudFormationClient, stack_name: str) -> dict[str, str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    try:
        return {
            each["PhysicalResourceId"]: each["LogicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == "AWS::Lambda::Function" and "PhysicalResourceId" in each
        }
    except ClientError as error:
        if error_code(error) in {"ValidationError", "AccessDenied"}:  # no such stack, or not ours to see
            return {}
        raise


def _searched(function: Function) -> str:
    return f"{_letters(function.name)} {_letters(function.logical_id or '')}"


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _listed(functions: Sequence[Function]) -> str:
    return ", ".join(function.logical_id or function.name for function in functions)
