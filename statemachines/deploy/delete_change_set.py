"""Delete Change Set: deletes the change set that is not executed.

It is identified by its name, not its ARN, which is unknown if Create Change Set failed. It cannot be deleted
while CloudFormation is creating it; then Clean Up deletes it, after the execution has failed.

IAM: cloudformation:DeleteChangeSet on the stacks that may be deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.aws_errors import error_code
from stepline.core.cloudformation.errors import change_set_does_not_exist, stack_does_not_exist
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"execution": …, "stack": {"id": …}}`. Returns `{}`."""
    name = DeploymentAttempt.parse(event).change_set_name
    delete_change_set(clients.cloudformation(), event.section("stack").text("id"), name)
    return {}


def delete_change_set(cloudformation: CloudFormationClient, stack_id: str, name: str) -> bool:
    """Delete the change set if it exists. Return False if CloudFormation is creating or executing it."""
    try:
        cloudformation.delete_change_set(StackName=stack_id, ChangeSetName=name)
    except ClientError as error:
        if error_code(error) == "InvalidChangeSetStatus":
            return False
        if not change_set_does_not_exist(error) and not stack_does_not_exist(error):
            raise
    return True
