"""Collect Outputs: returns the stack's outputs as the execution's output.

So they become output variables of the pipeline action, such as `#{Deploy.QueueUrl}`.

IAM: cloudformation:DescribeStacks on the stacks that may be deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from statemachines.deploy.awaited_operations import AwaitedOperation
from statemachines.deploy.check_stack_exists import Plan
from statemachines.deploy.limits import MAX_OUTPUTS_BYTES
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.cloudformation.stack_status import Phase
from stepline.core.cloudformation.stacks import Stack, find_stack
from stepline.core.errors import TransientAwsError
from stepline.core.fields import Fields, JsonObject
from stepline.core.trigger_keys import OUTPUT_SUMMARY

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


_CLOCK_SECONDS = 1
"""CloudFormation's times may be cut to seconds."""


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"stack": {"plan": …, "id": …}, "operation"?: the creation or update, "changeSet"?: …}`.

    Returns `{output key: value}`, and as `stepline_summary` what an update removed or replaced, if anything.
    """
    stack = event.section("stack")
    awaited = AwaitedOperation.parse(event) if "operation" in event else None
    is_update = stack.text("plan") == Plan.UPDATE
    stack_id = stack.text("id") if is_update or awaited is None else awaited.operation.stack_id
    outputs = collect_outputs(clients.cloudformation(), stack_id, awaited)
    summary = _inspection_summary(event) if is_update else ""
    return {**outputs, OUTPUT_SUMMARY: summary} if summary else outputs


def _inspection_summary(event: Fields) -> str:
    """Return what the inspection of the change set and its approval say.

    It was not inspected if it changed nothing, and not approved if nobody had to be asked.
    """
    change_set = event.section("changeSet")
    names = [name for name in ("approval", "inspection") if name in change_set]
    return " ".join(filter(None, (change_set.section(name).text_or_empty("summary") for name in names)))


def collect_outputs(
    cloudformation: CloudFormationClient, stack_id: str, awaited: AwaitedOperation | None
) -> JsonObject:
    """Return as many outputs as an execution's output can hold.

    `awaited` is None if nothing was changed. Raise `StackChangedError` if the stack was deleted, and
    `TransientAwsError` if CloudFormation still describes it as it was before: DescribeStacks is eventually
    consistent.
    """
    stack = find_stack(cloudformation, stack_id)
    if stack is None or _is_older(stack, awaited):
        raise TransientAwsError(f"CloudFormation does not show the outputs of the stack {stack_id} yet.")
    if stack.phase is Phase.DELETED:
        raise StackChangedError(f"The stack {stack.name} was deleted by another process.")
    return dict(_fitting(stack.outputs))


def _is_older(stack: Stack, awaited: AwaitedOperation | None) -> bool:
    """Return whether `stack` is as before the end of the operation. A later one may be in progress."""
    if stack.phase is Phase.DELETE_ONLY:
        return True  # such a stack cannot be deployed
    if awaited is None or stack.id != awaited.operation.stack_id or stack.phase is Phase.DELETED:
        return False
    if stack.phase is Phase.RUNNING:
        return awaited.ended_at is not None and stack.changed_at < awaited.ended_at
    since = awaited.operation.since
    return since is not None and stack.changed_at < since - timedelta(seconds=_CLOCK_SECONDS)


def _fitting(outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    remaining_bytes = MAX_OUTPUTS_BYTES
    for name, value in outputs.items():
        size = len(json.dumps({name: value}))  # in Lambda's JSON there is a comma instead of the braces
        if size <= remaining_bytes:
            remaining_bytes -= size
            yield name, value
