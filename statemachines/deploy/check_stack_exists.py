"""Check Stack Exists: is there a stack, and what must be done with it?

IAM: cloudformation:DescribeStacks on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from statemachines.deploy import settings
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.stack_status import Phase, needs_person
from stepline.core.cloudformation.stacks import Stack, find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class Plan(StrEnum):
    """Which way the deployment takes."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"


_PLANS = {
    Phase.GONE: Plan.CREATE,
    Phase.DONE: Plan.UPDATE,
    Phase.ROLLED_BACK: Plan.UPDATE,
    Phase.USELESS: Plan.DELETE,
    Phase.RUNNING: Plan.WAIT,
}


@dataclass(frozen=True)
class Event:
    """`{"request": …, "stack": {"progress": …}}`."""

    request: DeployRequest
    progress: Progress | None

    @classmethod
    def parse(cls, event: Fields) -> Self:
        stack = event.section("stack")
        return cls(
            request=DeployRequest.parse(event.value("request")),
            progress=Progress.parse(stack.section("progress")) if "progress" in stack else None,
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers `{"plan": "create|update|delete|wait", "id": the stack's ARN or "", "progress": …}`."""
    return check_stack_exists(Event.parse(event), clients.cloudformation(), settings.wait_settings())


def check_stack_exists(
    event: Event, cloudformation: CloudFormationClient, wait: settings.WaitSettings
) -> JsonObject:
    """Raises `ManualInterventionRequiredError`, or `WaitTimedOutError` when a busy stack stays busy."""
    stack = find_stack(cloudformation, event.request.stack_name)
    if stack is None:
        return _answer(Plan.CREATE, "", Progress.start(wait))
    if stack.phase is Phase.STUCK:
        raise needs_person(stack.name, stack.status, stack.reason)
    plan = _PLANS[stack.phase]
    return _answer(plan, stack.id, _progress(plan, event.progress, stack, wait))


def _progress(plan: Plan, progress: Progress | None, stack: Stack, wait: settings.WaitSettings) -> Progress:
    if plan is not Plan.WAIT or progress is None:
        return progress or Progress.start(wait)
    return progress.again(wait, waiting_for=f"the stack {stack.name}, which is busy ({stack.status}),")


def _answer(plan: Plan, stack_id: str, progress: Progress) -> JsonObject:
    return {"plan": plan, "id": stack_id, "progress": progress.to_json()}
