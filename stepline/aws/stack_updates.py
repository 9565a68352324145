"""Waiting for change sets and for operations on stacks, for commands that a person watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepline.aws.polling import Polling
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.operations import Operation, OperationOutcome, failure_reason, read_outcome
from stepline.core.cloudformation.stack_events import StackEvent, read_events
from stepline.core.cloudformation.stack_status import Phase
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Report = Callable[[StackEvent], None]


class ChangeSetFailedError(UsageError):
    """CloudFormation could not create the change set. The message is its reason."""


class OperationFailedError(UsageError):
    """The operation on the stack failed. The message is CloudFormation's reason."""

    def __init__(self, reason: str, outcome: OperationOutcome) -> None:
        super().__init__(reason)
        self.outcome = outcome


def wait_for_change_set(
    cloudformation: CloudFormationClient, *, stack_name: str, name: str, polling: Polling
) -> ChangeSetState:
    """READY or UNCHANGED. Raises ChangeSetFailedError, and TimeoutPassedError."""
    for _ in polling.rounds():
        answer = polling.read(
            lambda: cloudformation.describe_change_set(StackName=stack_name, ChangeSetName=name)
        )
        reason = answer.get("StatusReason", "")
        state = change_set_state(answer["Status"], answer["ExecutionStatus"], reason)
        if state in {ChangeSetState.READY, ChangeSetState.UNCHANGED}:
            return state
        if state is not ChangeSetState.RUNNING:
            raise ChangeSetFailedError(reason or f"the change set is {answer['Status']}")
    raise AssertionError("rounds never end by themselves")


def wait_for_operation(
    cloudformation: CloudFormationClient,
    operation: Operation,
    polling: Polling,
    report: Report | None = None,
) -> None:
    """Return when the operation has succeeded; `report` gets each of its events once, oldest first.

    Raises OperationFailedError, and TimeoutPassedError.
    """
    reported = 0
    for _ in polling.rounds():
        outcome = polling.read(lambda: read_outcome(cloudformation, operation))
        if report is not None:
            events = polling.read(lambda: _own_events(cloudformation, operation))
            for event in events[reported:]:
                report(event)
            reported = len(events)
        if outcome.phase is Phase.DONE:
            return
        if outcome.phase is not Phase.RUNNING:
            raise OperationFailedError(failure_reason(cloudformation, operation, outcome), outcome)


def _own_events(cloudformation: CloudFormationClient, operation: Operation) -> list[StackEvent]:
    """The events of the operation so far, oldest first."""
    events = read_events(cloudformation, operation.stack_id, since=operation.since)
    return [event for event in events if event.token == operation.token][::-1]
