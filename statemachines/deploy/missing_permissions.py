"""Explains which permissions the role lacks with which CloudFormation deploys a stack.

CloudFormation reports the actions that were denied, often one at a time. The schemas of the template's
resource types list what their handlers call, so that a user can allow all of it at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from statemachines.deploy.limits import MAX_DESCRIBED_TYPES, MAX_LISTED_ACTIONS_CHARACTERS
from statemachines.deploy.ownership import Owner
from stepline.core import clients, strict_json
from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.cloudformation.stack_events import STACK_TYPE, StackEvent
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.text import joined

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_iam import IAMClient

_ACTION: Final = r"[a-z0-9-]+:[A-Za-z0-9]+"
_DENIED: Final = re.compile(
    rf"not authorized to perform:? ({_ACTION})|API: ({_ACTION}) .*?(?:Access ?Denied|authorized)"
)
_EXACT_ACTION: Final = re.compile(_ACTION)


@dataclass(frozen=True)
class DeniedActions:
    """`by_resource`: action -> the logical id of the first resource for which it was denied."""

    by_resource: dict[str, str]
    resource_types: frozenset[str]

    @classmethod
    def of(cls, failures: Iterable[StackEvent], reason: str) -> DeniedActions:
        """Find them in the events of failed resources, and in the reason that is reported."""
        found: dict[str, str] = {}
        types = set()
        for event in failures:
            types.add(event.resource_type)
            for action in denied_actions(event.reason):
                found.setdefault(action, event.logical_id)
        for action in denied_actions(reason):
            found.setdefault(action, reason.partition(" ")[0])
        return cls(found, frozenset(types - {STACK_TYPE}))


def denied_actions(reason: str) -> list[str]:
    """Return the actions that a reason of CloudFormation says were denied."""
    return list(dict.fromkeys(exact or named for exact, named in _DENIED.findall(reason)))


def explain(
    cloudformation: CloudFormationClient, stack_id: str, failures: Iterable[StackEvent], reason: str
) -> str:
    """Return what the stack's role lacks and where to allow it, or "" if no permission is missing.

    `reason` is CloudFormation's first reason for the operation's `failures`.
    """
    denied = DeniedActions.of(failures, reason)
    stack = find_stack(cloudformation, stack_id) if denied.by_resource else None
    if stack is None or not stack.role_arn:
        return ""
    role = stack.role_arn.rpartition("/")[2]
    lacked = joined(
        [f"{action} ({name})" for action, name in denied.by_resource.items()], MAX_LISTED_ACTIONS_CHARACTERS
    )
    explanation = f"The role {role} lacks {lacked}. {_place(stack.role_arn)}"
    more = _further_actions(cloudformation, stack_id, stack.role_arn, denied)
    if more:
        listed = joined(more, MAX_LISTED_ACTIONS_CHARACTERS)
        explanation += (
            " The schemas of the template's resource types list further actions that the role may not "
            f"perform on all resources: {listed}."
        )
    return explanation


def _place(role_arn: str) -> str:
    owner = Owner.read()
    if role_arn == owner.default_role_arn:
        return (
            "Allow this in a managed policy, and add the policy to the parameter ApplicationPolicyArns of "
            f"the stack {owner.pipeline_stack_name}."
        )
    return "Allow this in a policy of the role."


def _further_actions(
    cloudformation: CloudFormationClient, stack_id: str, role_arn: str, denied: DeniedActions
) -> list[str]:
    """Return the other actions of the types' handlers that the role may not perform on all resources.

    An error of one of these calls must not hide why the deployment failed.
    """
    try:
        types = {*cloudformation.get_template_summary(StackName=stack_id).get("ResourceTypes", [])}
        types |= denied.resource_types
        actions = {
            action
            for name in sorted(types)[:MAX_DESCRIBED_TYPES]
            for action in _actions_of(cloudformation, name)
        }
        return sorted(_denied_by_role(clients.iam(), role_arn, sorted(actions - denied.by_resource.keys())))
    except AWS_FAILURES:
        return []


def _actions_of(cloudformation: CloudFormationClient, type_name: str) -> Iterator[str]:
    """Yield what the handlers of the type call, as its schema lists it, except for listing resources."""
    try:
        text = cloudformation.describe_type(Type="RESOURCE", TypeName=type_name).get("Schema", "{}")
    except ClientError:  # such as a type of a transform, AWS::Serverless::Function
        return
    schema = strict_json.loads(text)
    handlers = schema.get("handlers", {}) if isinstance(schema, dict) else {}
    for operation in ("create", "read", "update", "delete"):
        permissions = handlers.get(operation, {}).get("permissions", [])
        yield from (action for action in permissions if _EXACT_ACTION.fullmatch(action))


def _denied_by_role(iam: IAMClient, role_arn: str, actions: Sequence[str]) -> Iterator[str]:
    if not actions:
        return
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role_arn, ActionNames=actions
    )
    for page in pages:
        for result in page["EvaluationResults"]:
            if result["EvalDecision"] != "allowed":
                yield result["EvalActionName"]
