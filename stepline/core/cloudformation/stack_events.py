"""Reads the events of one operation on a stack.

"All events triggered by a given stack operation are assigned the same client request token" (CreateStack, API
reference). The token distinguishes an operation from the one before, whose status DescribeStacks may still
show for a moment, and from the one after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.core.cloudformation.errors import stack_does_not_exist
from stepline.core.errors import TransientAwsError
from stepline.core.limits import MAX_NESTED_STACKS, MAX_REASON_CHARACTERS
from stepline.core.text import cut

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeStackEventsOutputTypeDef

STACK_TYPE: Final = "AWS::CloudFormation::Stack"
# Resources that failed only because another one had failed before.
_CANCELLED = ("resource creation cancelled", "resource update cancelled", "resource deletion cancelled")


@dataclass(frozen=True)
class StackEvent:
    """One event. The `physical_id` of a stack or nested stack is its ARN."""

    stack_id: str
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    token: str
    moment: datetime

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
    """Return the operation's newest event of the stack itself, or None if there is none (yet).

    `stack` is a name or an id. Events older than `since` are not read; None means all events, which
    CloudFormation keeps for 90 days.
    """
    events = read_events(cloudformation, stack, since=since)
    return next((event for event in events if event.token == token and event.is_of_stack_itself), None)


def first_failure(
    cloudformation: CloudFormationClient, failures: Sequence[StackEvent], *, since: datetime | None
) -> str:
    """Return CloudFormation's own reason for a failure, such as "Queue (AWS::SQS::Queue): Invalid value".

    It is that of the oldest of the operation's `failures`, also inside nested stacks, and empty if there are
    none.
    """
    path: list[str] = []
    failure = _oldest(failures)
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
    """Return the failure inside a nested stack that caused `failure`; None if it is no nested stack's."""
    if failure.resource_type != STACK_TYPE or failure.is_of_stack_itself or not failure.physical_id:
        return None
    inner = _oldest(_failures(read_events(cloudformation, failure.physical_id, since=since)))
    return None if inner is None or inner.is_of_stack_itself else inner


def failed_events(
    cloudformation: CloudFormationClient, stack_id: str, token: str, *, since: datetime | None
) -> list[StackEvent]:
    """Return the operation's *_FAILED events that are not consequences of others, oldest first."""
    events = read_events(cloudformation, stack_id, since=since)
    return _failures(event for event in events if event.token == token)


def _failures(newest_first: Iterable[StackEvent]) -> list[StackEvent]:
    failures = [event for event in newest_first if event.is_failure and not event.is_consequence]
    return failures[::-1]


def _oldest(failures: Sequence[StackEvent]) -> StackEvent | None:
    """Return the oldest failure of a resource, or else the stack's own, whose reason is only a summary."""
    of_resources = [event for event in failures if not event.is_of_stack_itself]
    return next(iter(of_resources or failures), None)


def read_events(
    cloudformation: CloudFormationClient, stack: str, *, since: datetime | None
) -> Iterator[StackEvent]:
    """Yield the events of a stack, newest first, back to `since`. Pages are read when they are needed.

    Raise `TransientAwsError` if CloudFormation does not find the stack: it has just been created.
    """
    for page in _pages(cloudformation, stack):
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
                moment=event["Timestamp"],
            )


def _pages(cloudformation: CloudFormationClient, stack: str) -> Iterator[DescribeStackEventsOutputTypeDef]:
    try:
        yield from cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    except ClientError as error:
        if stack_does_not_exist(error):
            raise TransientAwsError(
                f"CloudFormation does not show the events of the stack {stack} yet."
            ) from error
        raise
