"""Apply Stack Policy: sets the stack policy of the template configuration.

It is set just before the update, so that it already applies to this update, and also if nothing else changes.
Setting the same policy twice has no effect.

IAM: cloudformation:SetStackPolicy on the stacks that may be deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachines.deploy.pipeline_order import PipelineAction, check_pipeline_order
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.fields import Fields, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "stack": {"id": …}, "changeSet": {"stackPolicy": …}}`. Returns `{}`."""
    check_pipeline_order(PipelineAction.parse(event))
    apply_stack_policy(
        clients.cloudformation(),
        event.section("stack").text("id"),
        event.section("changeSet").text("stackPolicy"),
    )
    return {}


def apply_stack_policy(cloudformation: CloudFormationClient, stack_id: str, policy: str) -> None:
    cloudformation.set_stack_policy(StackName=stack_id, StackPolicyBody=policy)
