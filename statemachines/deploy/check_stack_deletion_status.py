"""Check Stack Deletion Status: are the remains of a failed stack gone?

IAM: cloudformation:DescribeStacks and DescribeStackEvents on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachines.deploy import operations, settings
from statemachines.deploy.errors import StackDeletionFailedError
from statemachines.deploy.operations import AwaitedOperation
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.operations import Outcome
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"operation": …}`. Answers `{"verdict": "running|done", "waitedSeconds", "waitSeconds"}`."""
    operation = AwaitedOperation.parse(event.section("operation"))
    return check_stack_deletion_status(operation, clients.cloudformation(), settings.wait_settings())


def check_stack_deletion_status(
    operation: AwaitedOperation, cloudformation: CloudFormationClient, wait: settings.WaitSettings
) -> JsonObject:
    """Raises `StackDeletionFailedError` with CloudFormation's reason, or `WaitTimedOutError`."""
    stack = find_stack(cloudformation, operation.operation.stack_id)
    if stack is None or stack.phase is Phase.GONE:
        return operations.done(operation)
    outcome = Outcome(stack.name, stack.status, stack.phase, stack.reason)
    if stack.status is not StackStatus.DELETE_FAILED:  # not begun yet, or under way
        return operations.still_running(operation, wait, outcome, "deletion")
    raise operations.failed(cloudformation, operation, outcome, StackDeletionFailedError, "deletion")
