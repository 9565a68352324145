"""Delete Failed Stack: deletes a stack whose creation failed, so that it can be created again.

IAM: cloudformation:DescribeStacks and DeleteStack on the stacks that may be deployed; iam:PassRole on
the roles that may be used.
Environment: CLOUDFORMATION_ROLE_ARN, POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachines.deploy.awaited_operations import AwaitedOperation
from statemachines.deploy.deployment import Deployment
from statemachines.deploy.pipeline_order import PipelineAction, check_pipeline_order
from statemachines.deploy.settings import CLOUDFORMATION_ROLE_ARN, WaitSettings
from statemachines.deploy.task import task
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.environment import optional
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "execution": …, "stack": {"id": …}}`.

    Returns the deletion, `awaited_operations.AwaitedOperation`.
    """
    deployment = Deployment.parse_with_stack(event)
    wait = WaitSettings.read()
    role_arn = deployment.request.role_or(optional(CLOUDFORMATION_ROLE_ARN))
    operation = Operation(deployment.stack_id, deployment.attempt.deletion_token)
    delete_failed_stack(clients.cloudformation(), operation, role_arn, action=deployment.action)
    return AwaitedOperation(operation, WaitProgress.start(wait)).to_json()


def delete_failed_stack(
    cloudformation: CloudFormationClient,
    deletion: Operation,
    role_arn: str,
    *,
    action: PipelineAction | None = None,
) -> None:
    """Delete the stack with this ARN, never another stack of the same name.

    Raise `StackChangedError` if its status does not require the deletion any more, or
    `StalePipelineExecutionError`.
    """
    stack = find_stack(cloudformation, deletion.stack_id)
    if stack is None or stack.phase is Phase.DELETED or stack.status is StackStatus.DELETE_IN_PROGRESS:
        return
    if stack.phase is not Phase.DELETE_ONLY:
        raise StackChangedError(
            f"The stack {stack.name} is in {stack.status} now: it was changed by another process."
        )
    check_pipeline_order(action)
    if role_arn:
        cloudformation.delete_stack(StackName=stack.id, ClientRequestToken=deletion.token, RoleARN=role_arn)
    else:
        cloudformation.delete_stack(StackName=stack.id, ClientRequestToken=deletion.token)
