"""Collect Outputs: returns the stack's outputs as the execution's output.

So they become output variables of the pipeline action, such as `#{Deploy.QueueUrl}`.

IAM: cloudformation:DescribeStacks on the stacks that may be deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from statemachines.deploy.limits import MAX_OUTPUTS_BYTES
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.stacks import get_stack
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …}`. Returns `{output key: value}`."""
    return collect_outputs(clients.cloudformation(), DeployRequest.parse(event.value("request")).stack_name)


def collect_outputs(cloudformation: CloudFormationClient, stack_name: str) -> JsonObject:
    """Return as many outputs as an execution's output can hold.

    Raise `StackChangedError` if the stack was deleted.
    """
    return dict(_fitting(get_stack(cloudformation, stack_name).outputs))


def _fitting(outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    remaining_bytes = MAX_OUTPUTS_BYTES
    for name, value in outputs.items():
        size = len(json.dumps({name: value}))  # in Lambda's JSON there is a comma instead of the braces
        if size <= remaining_bytes:
            remaining_bytes -= size
            yield name, value
