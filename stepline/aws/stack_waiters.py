"""Waits for change sets and stack operations, and reports the events of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepline.aws.polling import Poller
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.operations import (
    Operation,
    OperationOutcome,
    failure_reason,
    read_failures,
    read_outcome,
)
from stepline.core.cloudformation.stack_events import StackEvent, read_events
from stepline.core.cloudformation.stack_status import Phase
from stepline.core.cloudformation.validation_errors import with_validation_errors
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ReportEvent = Callable[[StackEvent], None]


class ChangeSetFailedError(UsageError):
    """CloudFormation could not create the change set; the message is CloudFormation's reason."""


class OperationFailedError(UsageError):
    """The operation on the stack failed; the message is CloudFormation's reason."""

    def __init__(self, reason: str, outcome: OperationOutcome) -> None:
        super().__init__(reason)
        self.outcome = outcome


def wait_for_change_set(
    cloudformation: CloudFormationClient, *, stack_name: str, name: str, poller: Poller
) -> ChangeSetState:
    """Wait until the change set is READY or UNCHANGED. Raises ChangeSetFailedError and TimeoutPassedError."""

    def read_state() -> ChangeSetState | None:
        response = poller.retry(
            lambda: cloudformation.describe_change_set(StackName=stack_name, ChangeSetName=name)
        )
        reason = response.get("StatusReason", "")
        state = change_set_state(response["Status"], response["ExecutionStatus"], reason)
        if state in {ChangeSetState.READY, ChangeSetState.UNCHANGED}:
            return state
        if state is not ChangeSetState.RUNNING:
            change_set = response.get("ChangeSetId", name)
            details = with_validation_errors(cloudformation, reason, change_set=change_set)
            raise ChangeSetFailedError(details or f"the change set is {response['Status']}")
        return None

    return poller.until(read_state)


def wait_for_operation(
    cloudformation: CloudFormationClient,
    operation: Operation,
    poller: Poller,
    report: ReportEvent | None = None,
) -> None:
    """Wait until the operation has succeeded; `report` gets each of its events once, oldest first.

    Raises OperationFailedError and TimeoutPassedError.
    """
    reported = 0

    def report_new_events(report: ReportEvent) -> None:
        nonlocal reported
        events = poller.retry(lambda: _read_events(cloudformation, operation))
        for event in events[reported:]:
            report(event)
        reported = len(events)

    def read_phase() -> Phase | None:
        outcome = poller.retry(lambda: read_outcome(cloudformation, operation))
        if report is not None:
            report_new_events(report)
        if outcome.phase not in {Phase.DONE, Phase.RUNNING}:
            failures = read_failures(cloudformation, operation)
            reason = failure_reason(cloudformation, operation, outcome, failures)
            raise OperationFailedError(reason, outcome)
        return None if outcome.phase is Phase.RUNNING else outcome.phase

    poller.until(read_phase)


def _read_events(cloudformation: CloudFormationClient, operation: Operation) -> list[StackEvent]:
    """Return the events of the operation so far, oldest first."""
    events = read_events(cloudformation, operation.stack_id, since=operation.since)
    return [event for event in events if event.token == operation.token][::-1]
