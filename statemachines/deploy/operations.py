"""The operation that a task waits for, as it passes between the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core.cloudformation.operations import (
    Operation,
    Outcome,
    failure_reason,
    outcome_by_events,
    read_outcome,
)
from stepline.core.cloudformation.stack_status import Phase
from stepline.core.errors import SteplineError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class Verdict(StrEnum):
    """What a status task answers to the Choice state behind it."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class AwaitedOperation:
    """`{"stackId", "token", "since", "progress"}`."""

    operation: Operation
    progress: Progress

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        operation = Operation(
            stack_id=fields.text("stackId"),
            token=fields.text("token"),
            since=fields.moment("since") if fields.text_or_empty("since") else None,
        )
        return cls(operation, Progress.parse(fields.section("progress")))

    def to_json(self) -> JsonObject:
        since = self.operation.since
        return {
            "stackId": self.operation.stack_id,
            "token": self.operation.token,
            "since": since.isoformat() if since else "",
            "progress": self.progress.to_json(),
        }


def check(
    cloudformation: CloudFormationClient,
    awaited: AwaitedOperation,
    settings: WaitSettings,
    error: type[SteplineError],
    what: str,
) -> JsonObject:
    """Whether a creation or an update is done. Raises `error` with CloudFormation's own reason if it failed,
    and `WaitTimedOutError`."""
    outcome = read_outcome(cloudformation, awaited.operation)
    if outcome.phase is Phase.RUNNING:
        try:
            return still_running(awaited, settings, outcome, what)
        except WaitTimedOutError:
            # Perhaps the stack is busy with another operation, and this one ended long ago.
            outcome = outcome_by_events(cloudformation, awaited.operation, outcome)
            if outcome.phase is Phase.RUNNING:
                raise
    if outcome.phase is Phase.DONE:
        return done(awaited)
    raise failed(cloudformation, awaited, outcome, error, what)


def still_running(
    awaited: AwaitedOperation, settings: WaitSettings, outcome: Outcome, what: str
) -> JsonObject:
    """The answer that makes the loop go round once more. Raises `WaitTimedOutError` at its end."""
    waiting_for = f"the {what} of the stack {outcome.stack_name}, which is in {outcome.status},"
    progress = awaited.progress.again(settings, waiting_for=waiting_for)
    return {"verdict": Verdict.RUNNING, **progress.to_json()}


def done(awaited: AwaitedOperation) -> JsonObject:
    return {"verdict": Verdict.DONE, **awaited.progress.to_json()}


def failed(
    cloudformation: CloudFormationClient,
    awaited: AwaitedOperation,
    outcome: Outcome,
    error: type[SteplineError],
    what: str,
) -> SteplineError:
    """The error that begins with CloudFormation's own reason."""
    cause = failure_reason(cloudformation, awaited.operation, outcome).rstrip(".")
    return error(f"{cause}. The {what} of the stack {outcome.stack_name} ended in {outcome.status}.")
