"""Finds out how one operation on a stack ended, as opposed to other operations on the same stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from stepline.core.cloudformation.stack_events import (
    StackEvent,
    failed_events,
    first_failure,
    operation_status,
)
from stepline.core.cloudformation.stack_status import Phase, StackStatus, parse_status, phase_of
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.cloudformation.validation_errors import with_validation_errors
from stepline.core.errors import TransientAwsError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Operation:
    """One creation, update or deletion. `token` is its ClientRequestToken.

    Its events are not older than `since`; None means that all events are read.
    """

    stack_id: str
    token: str
    since: datetime | None = None


@dataclass(frozen=True)
class OperationOutcome:
    """The status of the stack after an operation, or while it is in progress.

    `ended_at` is known if the operation's own events show its end.
    """

    stack_name: str
    status: StackStatus
    phase: Phase
    reason: str  # CloudFormation's summary for the whole stack, often empty
    ended_at: datetime | None = None


def read_outcome(cloudformation: CloudFormationClient, operation: Operation) -> OperationOutcome:
    """Return the current outcome of the operation.

    While any operation on the stack is in progress, DescribeStacks is enough. Otherwise its status may be
    that of an earlier operation (ExecuteChangeSet only accepts the request) or of a later one. So the
    operation's own events decide; as long as there are none, it is running.

    Raise `TransientAwsError` if CloudFormation does not find the stack: it has just been created. A deleted
    one is found by its id.
    """
    stack = find_stack(cloudformation, operation.stack_id)
    if stack is None:
        raise TransientAwsError(f"CloudFormation does not describe the stack {operation.stack_id} yet.")
    outcome = OperationOutcome(stack.name, stack.status, stack.phase, stack.reason)
    if stack.phase is Phase.RUNNING:
        return outcome
    return outcome_by_events(cloudformation, operation, outcome)


def outcome_by_events(
    cloudformation: CloudFormationClient, operation: Operation, outcome: OperationOutcome
) -> OperationOutcome:
    """Return the outcome by the operation's own events; `outcome` is that of the stack as a whole."""
    event = operation_status(cloudformation, operation.stack_id, operation.token, since=operation.since)
    if event is None:
        phase = Phase.DELETED if outcome.phase is Phase.DELETED else Phase.RUNNING
        return replace(outcome, phase=phase)
    status = parse_status(event.status)
    phase = phase_of(status)
    ended_at = None if phase is Phase.RUNNING else event.moment
    return OperationOutcome(outcome.stack_name, status, phase, event.reason or outcome.reason, ended_at)


def read_failures(cloudformation: CloudFormationClient, operation: Operation) -> list[StackEvent]:
    """Return the operation's *_FAILED events that are not consequences of others, oldest first."""
    return failed_events(cloudformation, operation.stack_id, operation.token, since=operation.since)


def failure_reason(
    cloudformation: CloudFormationClient,
    operation: Operation,
    outcome: OperationOutcome,
    failures: Sequence[StackEvent],
) -> str:
    """Return CloudFormation's reason for the failure, such as "Queue (AWS::SQS::Queue): Invalid value"."""
    reason = first_failure(cloudformation, failures, since=operation.since)
    reason = reason or outcome.reason or "CloudFormation gave no reason"
    return with_validation_errors(cloudformation, reason, stack=operation.stack_id)
