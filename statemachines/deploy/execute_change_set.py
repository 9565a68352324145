"""Execute Change Set: starts the update. CloudFormation only accepts it; another task waits for it.

IAM: cloudformation:ExecuteChangeSet, DescribeChangeSet and DescribeStackEvents on the stacks that may
be deployed.
Environment: POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.awaited_operations import AwaitedOperation
from statemachines.deploy.change_sets import change_set_invalid
from statemachines.deploy.errors import StalePipelineExecutionError
from statemachines.deploy.pipeline_order import PipelineAction, check_pipeline_order
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.task import task
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.change_sets import was_executed
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_events import operation_status
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_NOT_EXECUTABLE = frozenset({"InvalidChangeSetStatus", "ChangeSetNotFound", "TokenAlreadyExistsException"})


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "execution": …, "changeSet": {"id", "stackId", "progress": {"createdAt"}}}`.

    Returns the update, `awaited_operations.AwaitedOperation`.
    """
    token, change_set = DeploymentAttempt.parse(event).update_token, event.section("changeSet")
    # The update is not older than its change set.
    created_at = change_set.section("progress").moment("createdAt")
    update = Operation(change_set.text("stackId"), token, since=created_at)
    wait = WaitSettings.read()
    execute_change_set(
        clients.cloudformation(), change_set.text("id"), update, action=PipelineAction.parse(event)
    )
    return AwaitedOperation(update, WaitProgress.start(wait)).to_json()


def execute_change_set(
    cloudformation: CloudFormationClient,
    change_set_id: str,
    update: Operation,
    *,
    action: PipelineAction | None = None,
) -> None:
    """Execute the change set, unless an earlier run of this task did.

    Raise `StackChangedError`, or `StalePipelineExecutionError` before it is executed.
    """
    try:
        check_pipeline_order(action)
        cloudformation.execute_change_set(
            ChangeSetName=change_set_id, StackName=update.stack_id, ClientRequestToken=update.token
        )
    except StalePipelineExecutionError:
        if not _was_executed(cloudformation, change_set_id, update):
            raise
    except ClientError as error:
        if error_code(error) not in _NOT_EXECUTABLE:
            raise
        if not _was_executed(cloudformation, change_set_id, update):
            raise change_set_invalid() from error


def _was_executed(cloudformation: CloudFormationClient, change_set_id: str, update: Operation) -> bool:
    """Return whether this update was started: the change set shows it, or later the stack's events."""
    try:
        change_set = cloudformation.describe_change_set(
            ChangeSetName=change_set_id, StackName=update.stack_id
        )
        return was_executed(change_set["ExecutionStatus"])
    except ClientError as error:
        if not change_set_does_not_exist(error):
            raise
    return operation_status(cloudformation, update.stack_id, update.token, since=update.since) is not None
