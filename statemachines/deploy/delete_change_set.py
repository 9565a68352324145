"""Delete Change Set: remove a change set that is not to be executed.

It is named, not given by its ARN: where Create Change Set failed nobody knows whether there is one.

IAM: cloudformation:DeleteChangeSet on the stacks that may be deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from statemachines.deploy.names import Execution
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.errors import change_set_does_not_exist, stack_does_not_exist

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Event:
    """`{"execution": …, "stack": {"id": …}}`."""

    execution: Execution
    stack_id: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            execution=Execution.parse(event.section("execution")),
            stack_id=event.section("stack").text("id"),
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers `{}`."""
    delete_change_set(Event.parse(event), clients.cloudformation())
    return {}


def delete_change_set(event: Event, cloudformation: CloudFormationClient) -> None:
    """Delete the change set of this execution; that there is none is fine."""
    try:
        cloudformation.delete_change_set(
            StackName=event.stack_id, ChangeSetName=event.execution.change_set_name
        )
    except ClientError as error:
        if not change_set_does_not_exist(error) and not stack_does_not_exist(error):
            raise
