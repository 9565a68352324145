"""The rules by which Step Functions hears of other services' work, made with the role of the machine."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import responses
from ministack.services.cloudformation import provisioners

from stepline.localaws.iam import Actor, Permission
from stepline.localaws.service_roles import ServiceRoles

_RULES = {
    "states:::batch:submitJob.sync": "StepFunctionsGetEventsForBatchJobsRule",
    "states:::states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
"""Integration -> rule [Step Functions guide, "IAM policies for integrated services"]."""

_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")


def check_managed_rules(roles: ServiceRoles) -> None:
    """Check, as Step Functions does, that a machine's role may make the rules that its tasks wait for."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    create, update = handlers["create"], handlers["update"]

    def check(properties: Mapping[str, Any]) -> None:
        role = properties["RoleArn"]
        try:
            for needs in _needs(str(provisioners._sfn_definition(properties))):
                roles.authorize(Actor("states.amazonaws.com", role, "stepline"), needs)
        except ClientError as error:
            reason = error.response["Error"]["Message"]
            raise ValueError(f"'{role}' is not authorized to create managed-rule: {reason}") from error

    @functools.wraps(create)
    def checked_create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        check(properties)
        return create(logical_id, properties, stack_name)

    @functools.wraps(update)
    def checked_update(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        check(new)
        return update(physical_id, old, new, *args, **kwargs)

    handlers.update(create=checked_create, update=checked_update)


def _needs(definition: str) -> Iterator[tuple[Permission, ...]]:
    for integration, rule in _RULES.items():
        if integration in definition:
            arn = f"arn:aws:events:{responses.get_region()}:{responses.get_account_id()}:rule/{rule}"
            yield tuple(Permission(action, arn) for action in _ACTIONS)
