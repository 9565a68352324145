"""Check Stack Deletion Status: is the failed stack deleted?

IAM: cloudformation:DescribeStacks and DescribeStackEvents on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from statemachines.deploy import awaited_operations
from statemachines.deploy.awaited_operations import AwaitedOperation
from statemachines.deploy.errors import StackDeletionFailedError
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.operations import OperationOutcome
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.fields import Fields, JsonObject


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"operation": …}`. Returns `{"state": "running|done", "waitedSeconds", "waitSeconds"}`.

    Raises `StackDeletionFailedError` with CloudFormation's reason, or `WaitTimedOutError`.
    """
    awaited, cloudformation = AwaitedOperation.parse(event), clients.cloudformation()
    wait = WaitSettings.read()
    stack = find_stack(cloudformation, awaited.operation.stack_id)
    if stack is None or stack.phase is Phase.DELETED:
        return awaited_operations.done(awaited)
    outcome = OperationOutcome(stack.name, stack.status, stack.phase, stack.reason)
    if stack.status is not StackStatus.DELETE_FAILED:  # in progress, or not started yet
        return awaited_operations.running(awaited, wait, outcome, "deletion")
    message = awaited_operations.failure_message(cloudformation, awaited, outcome, "deletion")
    raise StackDeletionFailedError(message)
