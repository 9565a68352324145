"""Execute Change Set: begin the update. CloudFormation only accepts it; another task waits for it.

IAM: cloudformation:ExecuteChangeSet, DescribeChangeSet and DescribeStackEvents on the stacks that may
be deployed.
Environment: POLL_SECONDS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from statemachines.deploy import settings
from statemachines.deploy.change_sets import invalid
from statemachines.deploy.names import Execution
from statemachines.deploy.operations import AwaitedOperation
from statemachines.deploy.task import task
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.change_sets import was_executed
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_events import operation_status

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_NOT_EXECUTABLE = frozenset({"InvalidChangeSetStatus", "ChangeSetNotFound", "TokenAlreadyExistsException"})


@dataclass(frozen=True)
class Event:
    """`{"execution": …, "changeSet": {"id": …, "stackId": …, "progress": {"createdAt": …}}}`."""

    execution: Execution
    stack_id: str
    change_set_id: str
    created_at: datetime

    @classmethod
    def parse(cls, event: Fields) -> Self:
        change_set = event.section("changeSet")
        return cls(
            execution=Execution.parse(event.section("execution")),
            stack_id=change_set.text("stackId"),
            change_set_id=change_set.text("id"),
            created_at=change_set.section("progress").moment("createdAt"),
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers the update that now runs, `operations.AwaitedOperation`."""
    parsed = Event.parse(event)
    wait = settings.wait_settings()
    execute_change_set(parsed, clients.cloudformation())
    # The update cannot be older than its change set.
    operation = Operation(parsed.stack_id, parsed.execution.update_token, since=parsed.created_at)
    return AwaitedOperation(operation, Progress.start(wait)).to_json()


def execute_change_set(event: Event, cloudformation: CloudFormationClient) -> None:
    """Execute the change set, unless an earlier run of this task did. Raises `StackChangedError`."""
    try:
        cloudformation.execute_change_set(
            ChangeSetName=event.change_set_id,
            StackName=event.stack_id,
            ClientRequestToken=event.execution.update_token,
        )
    except ClientError as error:
        if error_code(error) not in _NOT_EXECUTABLE:
            raise
        if not _was_executed_by_us(event, cloudformation):
            raise invalid() from error


def _was_executed_by_us(event: Event, cloudformation: CloudFormationClient) -> bool:
    """The change set says so while it exists; afterwards the stack's events do."""
    try:
        change_set = cloudformation.describe_change_set(
            ChangeSetName=event.change_set_id, StackName=event.stack_id
        )
        return was_executed(change_set["ExecutionStatus"])
    except ClientError as error:
        if not change_set_does_not_exist(error):
            raise
    ours = operation_status(
        cloudformation, event.stack_id, event.execution.update_token, since=event.created_at
    )
    return ours is not None
