"""Check Stack Exists: does the stack exist, may it be changed, and must it be created, updated or deleted?

IAM: cloudformation:DescribeStacks on the stacks that may be deployed.
Environment: POLL_SECONDS, MAX_WAIT_MINUTES, PIPELINE_STACK_NAME, CLOUDFORMATION_ROLE_ARN,
OTHER_CLOUDFORMATION_ROLE_ARNS, ADOPTED_STACK_NAMES.
"""

from __future__ import annotations

from enum import StrEnum

from statemachines.deploy.ownership import Owner
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.task import task
from statemachines.deploy.waiting import WaitProgress
from stepline.core import clients
from stepline.core.cloudformation.stack_status import Phase, manual_intervention_error
from stepline.core.cloudformation.stacks import Stack, find_stack
from stepline.core.fields import Fields, JsonObject


class Plan(StrEnum):
    """What the deployment does next."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"


_PLANS = {
    Phase.DELETED: Plan.CREATE,
    Phase.DONE: Plan.UPDATE,
    Phase.ROLLED_BACK: Plan.UPDATE,
    Phase.DELETE_ONLY: Plan.DELETE,
    Phase.RUNNING: Plan.WAIT,
}


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "stack": {"progress": …}}`; the first time without `progress`.

    Returns `{"plan": "create|update|delete|wait", "id": the stack's ARN or "", "progress": …}`.
    """
    request, earlier = DeployRequest.parse(event.value("request")), event.section("stack")
    progress = WaitProgress.parse(earlier.section("progress")) if "progress" in earlier else None
    owner, wait = Owner.read().of(request.target), WaitSettings.read()
    owner.check_role(request.role_arn)
    stack = find_stack(clients.cloudformation(), request.stack_name)
    if stack is not None and stack.phase is not Phase.DELETED:
        owner.check_stack(stack, request.role_arn)
    return next_step(stack, progress, wait)


def next_step(stack: Stack | None, progress: WaitProgress | None, wait: WaitSettings) -> JsonObject:
    """Raise `ManualInterventionRequiredError`, or `WaitTimedOutError` if another operation takes too long."""
    if stack is not None and stack.phase is Phase.STUCK:
        raise manual_intervention_error(stack.name, stack.status, stack.reason)
    plan = Plan.CREATE if stack is None else _PLANS[stack.phase]
    if stack is None or progress is None:
        progress = WaitProgress.start(wait)
    elif plan is Plan.WAIT:
        waiting_for = f"the stack {stack.name}, which is busy ({stack.status}),"
        progress = progress.next(wait, waiting_for=waiting_for)
    return {"plan": plan, "id": stack.id if stack else "", "progress": progress.to_json()}
