"""An operation on a stack that we began: how it is known again, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.waiting import Progress
from statemachines.errors import TaskError
from statemachines.fields import Fields, JsonObject
from stepline.core.cloudformation.stack_events import first_failure, operation_status
from stepline.core.cloudformation.stack_status import Phase, StackStatus, parse_status, phase_of
from stepline.core.cloudformation.stacks import find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class Verdict(StrEnum):
    """What a status task tells the Choice state behind it."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class Operation:
    """One creation, update or deletion. `since`: no event of it is older; None if it is all events."""

    stack_id: str
    token: str
    since: datetime | None
    progress: Progress

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(
            stack_id=fields.text("stackId"),
            token=fields.text("token"),
            since=fields.moment("since") if fields.text_or_empty("since") else None,
            progress=Progress.parse(fields.section("progress")),
        )

    def to_json(self) -> JsonObject:
        return {
            "stackId": self.stack_id,
            "token": self.token,
            "since": self.since.isoformat() if self.since else "",
            "progress": self.progress.to_json(),
        }


@dataclass(frozen=True)
class Outcome:
    """Of an operation: the status it left the stack in, or for now has it in."""

    stack_name: str
    status: StackStatus
    phase: Phase
    reason: str  # CloudFormation's summary for the whole stack, often empty


def look_at(cloudformation: CloudFormationClient, operation: Operation) -> Outcome:
    """What has become of the operation, and of no other one.

    While the stack is busy one DescribeStacks is enough. When it rests, its status may still
    be that of the time before (ExecuteChangeSet only accepts), or already somebody else's;
    the operation's own events decide, and as long as there are none it is running.
    """
    stack = find_stack(cloudformation, operation.stack_id)
    if stack is None:
        return Outcome(operation.stack_id, StackStatus.DELETE_COMPLETE, Phase.GONE, "")
    outcome = Outcome(stack.name, stack.status, stack.phase, stack.reason)
    return outcome if stack.phase is Phase.RUNNING else _by_its_events(cloudformation, operation, outcome)


def _by_its_events(cloudformation: CloudFormationClient, operation: Operation, outcome: Outcome) -> Outcome:
    """What the operation's own events say where `outcome` is only how the stack looks."""
    event = operation_status(cloudformation, operation.stack_id, operation.token, since=operation.since)
    if event is None:
        phase = Phase.GONE if outcome.phase is Phase.GONE else Phase.RUNNING
        return replace(outcome, phase=phase)
    status = parse_status(event.status)
    return Outcome(outcome.stack_name, status, phase_of(status), event.reason or outcome.reason)


def check(
    cloudformation: CloudFormationClient,
    operation: Operation,
    settings: WaitSettings,
    error: type[TaskError],
    what: str,
) -> JsonObject:
    """Whether a creation or an update is done. Raises `error` with CloudFormation's own reason if it failed,
    and `WaitTimedOutError`."""
    outcome = look_at(cloudformation, operation)
    if outcome.phase is Phase.RUNNING:
        try:
            return still_running(operation, settings, outcome, what)
        except WaitTimedOutError:
            # Perhaps the stack is busy with somebody else's operation, and this one ended long ago.
            outcome = _by_its_events(cloudformation, operation, outcome)
            if outcome.phase is Phase.RUNNING:
                raise
    if outcome.phase is Phase.DONE:
        return done(operation)
    raise failed(cloudformation, operation, outcome, error, what)


def still_running(operation: Operation, settings: WaitSettings, outcome: Outcome, what: str) -> JsonObject:
    """The answer that makes the loop go round once more. Raises `WaitTimedOutError` at its end."""
    waiting_for = f"the {what} of the stack {outcome.stack_name}, which is in {outcome.status},"
    progress = operation.progress.again(settings, waiting_for=waiting_for)
    return {"verdict": Verdict.RUNNING, **progress.to_json()}


def done(operation: Operation) -> JsonObject:
    return {"verdict": Verdict.DONE, **operation.progress.to_json()}


def failed(
    cloudformation: CloudFormationClient,
    operation: Operation,
    outcome: Outcome,
    error: type[TaskError],
    what: str,
) -> TaskError:
    """The error that begins with CloudFormation's own reason."""
    reason = first_failure(cloudformation, operation.stack_id, operation.token, since=operation.since)
    cause = reason or outcome.reason or "CloudFormation gave no reason"
    return error(
        f"{cause.rstrip('.')}. The {what} of the stack {outcome.stack_name} ended in {outcome.status}."
    )
