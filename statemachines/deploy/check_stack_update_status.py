"""Check Stack Update Status: is the update itself done, and was it not rolled back?

IAM: cloudformation:DescribeStacks and DescribeStackEvents on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachines.deploy import operations, settings
from statemachines.deploy.errors import StackUpdateFailedError
from statemachines.deploy.operations import AwaitedOperation
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"operation": …}`. Answers `{"verdict": "running|done", "waitedSeconds", "waitSeconds"}`."""
    operation = AwaitedOperation.parse(event.section("operation"))
    return check_stack_update_status(operation, clients.cloudformation(), settings.wait_settings())


def check_stack_update_status(
    operation: AwaitedOperation, cloudformation: CloudFormationClient, wait: settings.WaitSettings
) -> JsonObject:
    """Raises `StackUpdateFailedError` with CloudFormation's reason, or `WaitTimedOutError`."""
    return operations.check(cloudformation, operation, wait, StackUpdateFailedError, "update")
