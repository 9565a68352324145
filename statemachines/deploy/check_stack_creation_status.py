"""Check Stack Creation Status: is the stack created?

IAM: cloudformation:DescribeStacks, DescribeStackEvents and DescribeEvents on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from statemachines.deploy.awaited_operations import check_operation
from statemachines.deploy.errors import StackCreationFailedError
from statemachines.deploy.task import task
from stepline.core.fields import Fields, JsonObject


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"operation": …}`.

    Returns `{"state": "running|done", "waitedSeconds", "waitSeconds", "endedAt": empty until it is done}`.
    """
    return check_operation(event, "creation", StackCreationFailedError)
