"""Apply Stack Policy: give the stack the policy of the template configuration.

Just before the update, so that a policy can allow the very change it comes with, and one that
forbids it is obeyed; and also when nothing else changed. Setting the same policy twice is harmless.

IAM: cloudformation:SetStackPolicy on the stacks that may be deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Event:
    """`{"stack": {"id": …}, "changeSet": {"stackPolicy": …}}`."""

    stack_id: str
    stack_policy: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            stack_id=event.section("stack").text("id"),
            stack_policy=event.section("changeSet").text("stackPolicy"),
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers `{}`."""
    apply_stack_policy(Event.parse(event), clients.cloudformation())
    return {}


def apply_stack_policy(event: Event, cloudformation: CloudFormationClient) -> None:
    cloudformation.set_stack_policy(StackName=event.stack_id, StackPolicyBody=event.stack_policy)
