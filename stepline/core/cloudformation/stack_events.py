"""What the events of a stack say about one operation on it.

"All events triggered by a given stack operation are assigned the same client request
token" (CreateStack, API reference). So our own operation can be told from the one before,
whose status DescribeStacks may still show for a moment, and from the one after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from stepline.core.limits import MAX_NESTED_STACKS, MAX_REASON_CHARACTERS
from stepline.core.text import cut

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK_TYPE: Final = "AWS::CloudFormation::Stack"
# Resources that failed only because another one had failed before.
_CANCELLED = ("resource creation cancelled", "resource update cancelled", "resource deletion cancelled")


@dataclass(frozen=True)
class StackEvent:
    """One event. `physical_id` of a nested stack, and of the stack itself, is its ARN."""

    stack_id: str
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    token: str

    @property
    def is_of_stack_itself(self) -> bool:
        return self.resource_type == STACK_TYPE and self.physical_id == self.stack_id

    @property
    def is_failure(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def is_consequence(self) -> bool:
        return self.reason.lower().startswith(_CANCELLED)


def operation_status(
    cloudformation: CloudFormationClient, stack: str, token: str, *, since: datetime | None
) -> StackEvent | None:
    """The newest event of the stack itself in the operation with `token`; None if there is none (yet).

    `stack` is a name or an id; `since` says how far back to look (None: all that is kept, 90 days).
    """
    events = read_events(cloudformation, stack, since=since)
    return next((event for event in events if event.token == token and event.is_of_stack_itself), None)


def first_failure(
    cloudformation: CloudFormationClient, stack_id: str, token: str, *, since: datetime | None
) -> str:
    """CloudFormation's own reason for a failure, as "Queue (AWS::SQS::Queue): Invalid value".

    The oldest *_FAILED event of the operation that is no consequence of another, followed into
    nested stacks. Empty if there is none.
    """
    events = [event for event in read_events(cloudformation, stack_id, since=since) if event.token == token]
    path: list[str] = []
    failure = _oldest_failure(events)
    while failure is not None:
        path.append(failure.logical_id)
        deeper = _failure_inside(cloudformation, failure, since) if len(path) <= MAX_NESTED_STACKS else None
        if deeper is None:
            reason = cut(failure.reason, MAX_REASON_CHARACTERS) or failure.status
            return f"{'/'.join(path)} ({failure.resource_type}): {reason}"
        failure = deeper
    return ""


def _failure_inside(
    cloudformation: CloudFormationClient, failure: StackEvent, since: datetime | None
) -> StackEvent | None:
    """What failed inside the nested stack that `failure` is about; None if it is about none."""
    if failure.resource_type != STACK_TYPE or failure.is_of_stack_itself or not failure.physical_id:
        return None
    inner = _oldest_failure(list(read_events(cloudformation, failure.physical_id, since=since)))
    return None if inner is None or inner.is_of_stack_itself else inner


def _oldest_failure(newest_first: Sequence[StackEvent]) -> StackEvent | None:
    """A resource's failure rather than the stack's own, which only sums up."""
    failures = [event for event in reversed(newest_first) if event.is_failure and not event.is_consequence]
    of_resources = [event for event in failures if not event.is_of_stack_itself]
    return next(iter(of_resources or failures), None)


def read_events(
    cloudformation: CloudFormationClient, stack: str, *, since: datetime | None
) -> Iterator[StackEvent]:
    """The events of a stack, newest first, back to `since`; pages are fetched as they are needed."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            if since is not None and event["Timestamp"] < since:
                return
            yield StackEvent(
                stack_id=event["StackId"],
                logical_id=event.get("LogicalResourceId", ""),
                physical_id=event.get("PhysicalResourceId", ""),
                resource_type=event.get("ResourceType", ""),
                status=event.get("ResourceStatus", ""),
                reason=event.get("ResourceStatusReason", ""),
                token=event.get("ClientRequestToken", ""),
            )
