"""Collect Outputs: the stack's outputs are the execution's output.

So they become the variables of the pipeline's action: `#{Deploy.QueueUrl}`.

IAM: cloudformation:DescribeStacks on the stacks that may be deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from statemachines.deploy.limits import MAX_OUTPUTS_BYTES
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.stacks import get_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …}`. Answers `{output key: value}`, and nothing else."""
    request = DeployRequest.parse(event.value("request"))
    return collect_outputs(request.stack_name, clients.cloudformation())


def collect_outputs(stack_name: str, cloudformation: CloudFormationClient) -> JsonObject:
    """As many outputs as an execution's output can hold: the stack is deployed, whatever its outputs.

    Raises `StackChangedError` if the stack is gone.
    """
    return dict(_fitting(get_stack(cloudformation, stack_name).outputs))


def _fitting(outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    left_bytes = MAX_OUTPUTS_BYTES
    for name, value in outputs.items():
        size = len(json.dumps({name: value}))  # as Lambda writes it: two braces more, a comma less
        if size <= left_bytes:
            left_bytes -= size
            yield name, value
