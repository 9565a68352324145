"""Check Change Set Creation Status: is the change set ready, or without changes?

IAM: cloudformation:DescribeChangeSet and DescribeEvents on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy.change_sets import ChangeSet, change_set_invalid, check_state
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.cloudformation.validation_errors import with_validation_errors
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"changeSet": …}`.

    Returns `{"state": "running|ready|unchanged", "createdAt", "waitedSeconds", "waitSeconds"}`.
    """
    change_set = ChangeSet.parse(event)
    return check_change_set_creation_status(clients.cloudformation(), change_set, WaitSettings.read())


def check_change_set_creation_status(
    cloudformation: CloudFormationClient, change_set: ChangeSet, wait: WaitSettings
) -> JsonObject:
    """Raise the errors of `check_state`, or `WaitTimedOutError`.

    At the first check the change set may not be found, because DescribeChangeSet is eventually consistent.
    """
    progress = change_set.progress
    try:
        response = cloudformation.describe_change_set(
            ChangeSetName=change_set.id, StackName=change_set.stack_id
        )
    except ClientError as error:
        if not change_set_does_not_exist(error):
            raise
        if progress.waited_seconds:
            raise change_set_invalid() from error
        later = progress.next(wait, waiting_for=f"the change set {change_set.id}")
        return {"state": ChangeSetState.RUNNING, "createdAt": "", **later.to_json()}
    reason = with_validation_errors(
        cloudformation, response.get("StatusReason", ""), change_set=change_set.id
    )
    state = check_state(response["Status"], response["ExecutionStatus"], reason)
    if state is ChangeSetState.RUNNING:
        progress = progress.next(wait, waiting_for=f"the change set of the stack {response['StackName']}")
    return {"state": state, "createdAt": response["CreationTime"].isoformat(), **progress.to_json()}
