"""Finds a Lambda function by its name, its logical id or a part of either."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.aws.stack_resources import list_all_resources
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class Function:
    """A function; `logical_id` is None for one that does not belong to the stack."""

    name: str
    logical_id: str | None

    @property
    def short_name(self) -> str:
        """A name that `find_function` finds: `create-stack` for the logical id `CreateStackFunction`."""
        if self.logical_id is None:
            return self.name
        words = self.logical_id.removesuffix("Function") or self.logical_id
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", words).lower()


def list_functions(
    lambda_client: LambdaClient, cloudformation: CloudFormationClient, stack_name: str
) -> list[Function]:
    """Return all functions of the region, with the logical ids of those in the stack."""
    logical_ids = _logical_ids(cloudformation, stack_name)
    pages = lambda_client.get_paginator("list_functions").paginate()
    names = sorted(each["FunctionName"] for page in pages for each in page["Functions"])
    return [Function(name, logical_ids.get(name)) for name in names]


def find_function(functions: Sequence[Function], text: str) -> Function:
    """Return the function with the name, ARN or logical id `text`, or with `text` as part of a name.

    Parts are compared without case and punctuation: `create-stack` finds `CreateStackFunction`. Raises
    UsageError, listing the candidates, if no function or more than one is found.
    """
    if not functions:
        raise UsageError("no functions exist: deploy template.yaml first (locally: `stepline up`)")
    name = text.split(":")[6] if text.startswith("arn:") and text.count(":") >= 6 else text
    for function in functions:
        if name in {function.name, function.logical_id}:
            return function
    part = _normalize(name)
    found = [
        function
        for function in functions
        if part and part in f"{_normalize(function.name)} {_normalize(function.logical_id)}"
    ]
    best = [function for function in found if _normalize(function.logical_id) in {part, f"{part}function"}]
    if len(found) == 1 or len(best) == 1:
        return (best or found)[0]
    if found:
        raise UsageError(f"{text!r} matches several functions: {_list_names(found)}")
    raise UsageError(f"function {text!r} does not exist; the functions are: {_list_names(functions)}")


def _logical_ids(cloudformation: CloudFormationClient, stack_name: str) -> dict[str, str]:
    try:
        return {
            each["PhysicalResourceId"]: each["LogicalResourceId"]
            for each in list_all_resources(cloudformation, stack_name)
            if each["ResourceType"] == "AWS::Lambda::Function"
        }
    except ClientError as error:
        if error_code(error) in {
            "ValidationError",
            "AccessDenied",
        }:  # the stack does not exist or may not be read
            return {}
        raise


def _normalize(name: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (name or "").lower())


def _list_names(functions: Sequence[Function]) -> str:
    return ", ".join(function.short_name for function in functions)
