"""An operation on a stack that we began: what has become of it, and of no other operation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from stepline.core.cloudformation.stack_events import first_failure, operation_status
from stepline.core.cloudformation.stack_status import Phase, StackStatus, parse_status, phase_of
from stepline.core.cloudformation.stacks import find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Operation:
    """One creation, update or deletion; `token` is its ClientRequestToken.

    `since`: no event of it is older; None if all events are to be looked at.
    """

    stack_id: str
    token: str
    since: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """The status in which an operation left the stack, or for now has it."""

    stack_name: str
    status: StackStatus
    phase: Phase
    reason: str  # CloudFormation's summary for the whole stack, often empty


def read_outcome(cloudformation: CloudFormationClient, operation: Operation) -> Outcome:
    """What has become of the operation so far.

    While the stack is busy one DescribeStacks is enough. When it rests, its status may still be that of
    the time before (ExecuteChangeSet only accepts), or that of a later operation; the operation's own
    events decide, and as long as there are none it is running.
    """
    stack = find_stack(cloudformation, operation.stack_id)
    if stack is None:
        return Outcome(operation.stack_id, StackStatus.DELETE_COMPLETE, Phase.GONE, "")
    outcome = Outcome(stack.name, stack.status, stack.phase, stack.reason)
    if stack.phase is Phase.RUNNING:
        return outcome
    return outcome_by_events(cloudformation, operation, outcome)


def outcome_by_events(
    cloudformation: CloudFormationClient, operation: Operation, outcome: Outcome
) -> Outcome:
    """What the operation's own events say where `outcome` is only the stack's status."""
    event = operation_status(cloudformation, operation.stack_id, operation.token, since=operation.since)
    if event is None:
        phase = Phase.GONE if outcome.phase is Phase.GONE else Phase.RUNNING
        return replace(outcome, phase=phase)
    status = parse_status(event.status)
    return Outcome(outcome.stack_name, status, phase_of(status), event.reason or outcome.reason)


def failure_reason(cloudformation: CloudFormationClient, operation: Operation, outcome: Outcome) -> str:
    """CloudFormation's own reason for the failure, as "Queue (AWS::SQS::Queue): Invalid value"."""
    reason = first_failure(cloudformation, operation.stack_id, operation.token, since=operation.since)
    return reason or outcome.reason or "CloudFormation gave no reason"
