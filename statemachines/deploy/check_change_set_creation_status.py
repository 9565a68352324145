"""Check Change Set Creation Status: is the change set ready, or is there nothing to change?

IAM: cloudformation:DescribeChangeSet on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy import settings
from statemachines.deploy.change_sets import ChangeSet, check_state, invalid
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.errors import change_set_does_not_exist

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"changeSet": …}`.

    Answers `{"verdict": "running|ready|unchanged", "createdAt", "waitedSeconds", "waitSeconds"}`.
    """
    change_set = ChangeSet.parse(event.section("changeSet"))
    return check_change_set_creation_status(change_set, clients.cloudformation(), settings.wait_settings())


def check_change_set_creation_status(
    change_set: ChangeSet, cloudformation: CloudFormationClient, wait: settings.WaitSettings
) -> JsonObject:
    """Raises `ChangeSetFailedError` with CloudFormation's reason, `MissingCapabilityError`,
    `StackChangedError` if it was deleted or made obsolete, or `WaitTimedOutError`."""
    try:
        answer = cloudformation.describe_change_set(
            ChangeSetName=change_set.id, StackName=change_set.stack_id
        )
    except ClientError as error:
        if change_set_does_not_exist(error):
            raise invalid() from error
        raise
    verdict = check_state(answer["Status"], answer["ExecutionStatus"], answer.get("StatusReason", ""))
    progress = change_set.progress
    if verdict is ChangeSetState.RUNNING:
        progress = progress.again(wait, waiting_for=f"the change set of the stack {answer['StackName']}")
    return {"verdict": verdict, "createdAt": answer["CreationTime"].isoformat(), **progress.to_json()}
