"""The operation that a task waits for, as it is passed between the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from statemachines.deploy import missing_permissions
from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.cloudformation.operations import (
    Operation,
    OperationOutcome,
    failure_reason,
    outcome_by_events,
    read_failures,
    read_outcome,
)
from stepline.core.cloudformation.stack_status import Phase
from stepline.core.errors import SteplineError
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class OperationState(StrEnum):
    """What a status task returns to the Choice state after it."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class AwaitedOperation:
    """`{"stackId", "token", "since", "progress"}`. Once it is done, `progress` has its end, as `endedAt`."""

    operation: Operation
    progress: WaitProgress
    ended_at: datetime | None = None

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse the member `operation` of an event."""
        fields = event.section("operation")
        operation = Operation(
            stack_id=fields.text("stackId"),
            token=fields.text("token"),
            since=fields.moment("since") if fields.text_or_empty("since") else None,
        )
        progress = fields.section("progress")
        ended_at = progress.moment("endedAt") if progress.text_or_empty("endedAt") else None
        return cls(operation, WaitProgress.parse(progress), ended_at)

    def to_json(self) -> JsonObject:
        since = self.operation.since
        return {
            "stackId": self.operation.stack_id,
            "token": self.operation.token,
            "since": since.isoformat() if since else "",
            "progress": self.progress.to_json(),
        }


def check_operation(event: Fields, name: str, error: type[SteplineError]) -> JsonObject:
    """Return whether the creation or update in `event` is done.

    Raise `error` with CloudFormation's own reason if it failed, or `WaitTimedOutError`.
    """
    awaited, cloudformation = AwaitedOperation.parse(event), clients.cloudformation()
    wait = WaitSettings.read()
    outcome = read_outcome(cloudformation, awaited.operation)
    if outcome.phase is Phase.RUNNING:
        try:
            return {**running(awaited, wait, outcome, name), "endedAt": ""}
        except WaitTimedOutError:
            # The stack may be busy with another operation, and this one may have ended.
            outcome = outcome_by_events(cloudformation, awaited.operation, outcome)
            if outcome.phase is Phase.RUNNING:
                raise
    if outcome.phase is Phase.DONE:
        ended_at = outcome.ended_at.isoformat() if outcome.ended_at else ""
        return {**done(awaited), "endedAt": ended_at}
    raise error(failure_message(cloudformation, awaited, outcome, name))


def running(
    awaited: AwaitedOperation, wait: WaitSettings, outcome: OperationOutcome, name: str
) -> JsonObject:
    """Return that the operation is running. Raise `WaitTimedOutError` if it has run too long."""
    waiting_for = f"the {name} of the stack {outcome.stack_name}, which is in {outcome.status},"
    progress = awaited.progress.next(wait, waiting_for=waiting_for)
    return {"state": OperationState.RUNNING, **progress.to_json()}


def done(awaited: AwaitedOperation) -> JsonObject:
    return {"state": OperationState.DONE, **awaited.progress.to_json()}


def failure_message(
    cloudformation: CloudFormationClient, awaited: AwaitedOperation, outcome: OperationOutcome, name: str
) -> str:
    """Return a message that begins with the permissions that a role lacks, or CloudFormation's own reason."""
    failures = read_failures(cloudformation, awaited.operation)
    cause = failure_reason(cloudformation, awaited.operation, outcome, failures).rstrip(".")
    missing = missing_permissions.explain(cloudformation, awaited.operation.stack_id, failures, cause)
    message = f"{cause}. The {name} of the stack {outcome.stack_name} ended in {outcome.status}."
    return f"{missing} CloudFormation's reason: {message}" if missing else message
