"""What a deployment changes in its stack, and the changes that it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stepline.aws.stacks import describe_stack
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ResourceChangeTypeDef

_KEPT_TYPES: Final = frozenset({"AWS::CodeCommit::Repository", "AWS::CodePipeline::Pipeline"})
"""With one of these the user would lose commits or the executions of a pipeline."""


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class ResourceChange:
    """A resource that the change set changes: `action` is a `ChangeAction` [model], such as Add.

    `is_certain` is false for a resource that only refers to another one that is changed: CloudFormation finds
    out during the update whether the value that it refers to is another one.
    """

    action: str
    logical_id: str
    resource_type: str
    is_replaced: bool
    is_certain: bool = True


@dataclass(frozen=True)
class DeployedStack:
    name: str
    outcome: Outcome
    outputs: Mapping[str, str]
    changes: Sequence[ResourceChange]


def list_changes(
    cloudformation: CloudFormationClient, stack_name: str, change_set: str
) -> list[ResourceChange]:
    """Return the changes, with those of nested change sets after the nested stack: `Nested/Queue`."""
    pages = cloudformation.get_paginator("describe_change_set")
    changes = []
    for page in pages.paginate(StackName=stack_name, ChangeSetName=change_set):
        for change in (
            item["ResourceChange"] for item in page.get("Changes", []) if "ResourceChange" in item
        ):
            changes.append(_resource_change(change))
            if nested := change.get("ChangeSetId"):
                stack_id = change.get("PhysicalResourceId", "")
                prefix = f"{change.get('LogicalResourceId', '')}/"
                changes += [
                    replace(each, logical_id=f"{prefix}{each.logical_id}")
                    for each in list_changes(cloudformation, stack_id, nested)
                ]
    return changes


def _resource_change(change: ResourceChangeTypeDef) -> ResourceChange:
    return ResourceChange(
        change.get("Action", ""),
        change.get("LogicalResourceId", ""),
        change.get("ResourceType", ""),
        change.get("Replacement") == "True",
        _is_certain(change),
    )


def _is_certain(change: ResourceChangeTypeDef) -> bool:
    """Whether a detail of the change is Static [doc: ResourceChangeDetail].

    A nested stack is one if its own change set has changes.
    """
    is_modified = change.get("Action") == "Modify" and not change.get("ChangeSetId")
    details = change.get("Details", [])
    return not is_modified or any(detail.get("Evaluation") == "Static" for detail in details)


def check_changes(stack_name: str, changes: Sequence[ResourceChange]) -> None:
    """Raise UsageError if a repository or a pipeline would be lost, as with another template by mistake."""
    for change in changes:
        if change.resource_type in _KEPT_TYPES and (change.action == "Remove" or change.is_replaced):
            done = "replace" if change.is_replaced else "remove"
            raise UsageError(
                f"the update would {done} {change.logical_id} ({change.resource_type}) of stack "
                f"{stack_name}: deploy the template as another stack with --stack-name, or start again with "
                "`stepline down`"
            )


def earlier_parameters(
    cloudformation: CloudFormationClient, stack_name: str, declared: Mapping[str, object]
) -> set[str]:
    """Return those parameters in `declared` that an earlier deployment has set, not to their default.

    They keep that value. All others get the default of the new template.
    """
    stack = find_stack(cloudformation, stack_name)
    if stack is None or not stack.parameter_names:
        return set()
    summary = cloudformation.get_template_summary(StackName=stack_name)
    defaults = {each["ParameterKey"]: each.get("DefaultValue") for each in summary.get("Parameters", [])}
    described = describe_stack(cloudformation, stack_name).get("Parameters", [])
    values = {each["ParameterKey"]: each.get("ParameterValue") for each in described}
    return {key for key, value in values.items() if key in declared and value != defaults.get(key)}
