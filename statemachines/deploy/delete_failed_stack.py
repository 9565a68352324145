"""Delete Failed Stack: clear away a stack that never came to life, so that it can be created.

IAM: cloudformation:DescribeStacks and DeleteStack on the stacks that may be deployed; iam:PassRole on
the roles that may be named.
Environment: CLOUDFORMATION_ROLE_ARN, POLL_SECONDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachines.deploy import settings
from statemachines.deploy.operations import AwaitedOperation
from statemachines.deploy.stack_task import StackTask
from statemachines.deploy.task import task
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Answers the deletion that now runs, `operations.AwaitedOperation`."""
    parsed = StackTask.parse(event)
    wait = settings.wait_settings()
    role_arn = parsed.request.role_arn or settings.default_role_arn()
    delete_failed_stack(parsed, clients.cloudformation(), role_arn)
    token = parsed.execution.deletion_token
    return AwaitedOperation(Operation(parsed.stack_id, token), Progress.start(wait)).to_json()


def delete_failed_stack(event: StackTask, cloudformation: CloudFormationClient, role_arn: str) -> None:
    """Delete the stack of that ARN, never another one of the same name.

    Looks once more before: a stack that came to life meanwhile is not deleted (`StackChangedError`).
    """
    stack = find_stack(cloudformation, event.stack_id)
    if stack is None or stack.phase is Phase.GONE or stack.status is StackStatus.DELETE_IN_PROGRESS:
        return
    if stack.phase is not Phase.USELESS:
        raise StackChangedError(f"The stack {stack.name} is in {stack.status} now: somebody else was at it.")
    token = event.execution.deletion_token
    if role_arn:
        cloudformation.delete_stack(StackName=stack.id, ClientRequestToken=token, RoleARN=role_arn)
    else:
        cloudformation.delete_stack(StackName=stack.id, ClientRequestToken=token)
