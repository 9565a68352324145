"""Lists the resources of a stack with those of its nested stacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stepline.core.cloudformation.stack_events import STACK_TYPE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef


def list_all_resources(
    cloudformation: CloudFormationClient, stack_name: str
) -> Iterator[StackResourceSummaryTypeDef]:
    """Yield the resources that exist, each with its `PhysicalResourceId`, those of nested stacks after them.

    Raises ClientError as ListStackResources does.
    """
    nested = []
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name):
        for resource in page["StackResourceSummaries"]:
            if resource.get("PhysicalResourceId"):
                yield resource
                if resource["ResourceType"] == STACK_TYPE:
                    nested.append(resource["PhysicalResourceId"])
    for stack_id in nested:
        yield from list_all_resources(cloudformation, stack_id)
