"""Inspect Change Set: refuses a change set that removes or replaces resources, unless that is allowed.

IAM: cloudformation:DescribeChangeSet on the stacks that may be deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from statemachines.deploy.change_policy import ResourceChange, dangers
from statemachines.deploy.change_sets import change_set_invalid
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.errors import TransientAwsError
from stepline.core.fields import Fields, JsonObject
from stepline.core.limits import MAX_NESTED_STACKS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
    )


_IN_ARNS = ("Name", "Path")
"""Ends of the names of properties that can be a part of an ARN, such as the `Path` of an IAM group."""


@dataclass(frozen=True)
class _ChangeSetRef:
    """A change set of the stack itself, or of a stack nested in it."""

    id: str
    stack_id: str  # empty for a nested stack that does not exist yet
    path: str = ""
    depth: int = 0

    def nested(self, change: ResourceChange) -> _ChangeSetRef:
        return _ChangeSetRef(change.change_set_id, change.physical_id, f"{change.path}/", self.depth + 1)


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "changeSet": {"id": …, "stackId": …}}`.

    Returns `{"changes": number of changes, "dangerous": number of those that remove or replace}`.
    """
    request, change_set = DeployRequest.parse(event.value("request")), event.section("changeSet")
    reference = _ChangeSetRef(change_set.text("id"), change_set.text("stackId"))
    return inspect_change_set(clients.cloudformation(), reference, request.allow_replacement)


def inspect_change_set(
    cloudformation: CloudFormationClient, change_set: _ChangeSetRef, allow_replacement: bool
) -> JsonObject:
    """Raise `ReplacementRefusedError`, naming each resource, or `StackChangedError`."""
    changes = list(_changes(cloudformation, change_set))
    found = dangers(changes)
    if found and not allow_replacement:
        raise ReplacementRefusedError(found)
    return {"changes": len(changes), "dangerous": len(found)}


def _changes(cloudformation: CloudFormationClient, change_set: _ChangeSetRef) -> Iterator[ResourceChange]:
    """Yield all changes, also those inside nested stacks."""
    for page in _pages(cloudformation, change_set):
        _check_is_created(page)
        for item in page.get("Changes", []):
            change = _resource_change(item.get("ResourceChange", {}), change_set.path)
            if change_set.depth >= MAX_NESTED_STACKS:
                change = replace(change, change_set_id="")  # not read, so it counts as dangerous
            if change.change_set_id:
                yield from _changes(cloudformation, change_set.nested(change))
            yield change


def _check_is_created(page: DescribeChangeSetOutputTypeDef) -> None:
    """Raise `TransientAwsError` for an older answer, in which a change set has no changes yet."""
    state = change_set_state(page["Status"], page["ExecutionStatus"], page.get("StatusReason", ""))
    if state is ChangeSetState.INVALID:
        raise change_set_invalid()
    if state is ChangeSetState.RUNNING:
        raise TransientAwsError("CloudFormation does not show the changes of the change set yet.")


class _StackArguments(TypedDict, total=False):
    StackName: str


def _pages(
    cloudformation: CloudFormationClient, change_set: _ChangeSetRef
) -> Iterator[DescribeChangeSetOutputTypeDef]:
    """Yield the pages of the change set. Raise `StackChangedError` if it does not exist any more."""
    arguments: _StackArguments = {"StackName": change_set.stack_id} if change_set.stack_id else {}
    paginator = cloudformation.get_paginator("describe_change_set")
    try:
        yield from paginator.paginate(ChangeSetName=change_set.id, **arguments)
    except ClientError as error:
        if change_set_does_not_exist(error):
            raise change_set_invalid() from error
        raise


def _resource_change(change: ResourceChangeTypeDef, path: str) -> ResourceChange:
    return ResourceChange(
        path=path + change.get("LogicalResourceId", "?"),
        resource_type=change.get("ResourceType", "?"),
        action=change.get("Action", ""),
        replacement=change.get("Replacement", ""),
        policy_action=change.get("PolicyAction", ""),
        physical_id=change.get("PhysicalResourceId", ""),
        change_set_id=change.get("ChangeSetId", ""),
        arns_of=tuple(_arns_that_decide(change.get("Details", []), path)),
        renames=any(_target_name(detail).endswith(_IN_ARNS) for detail in change.get("Details", [])),
    )


def _arns_that_decide(details: Sequence[ResourceChangeDetailTypeDef], path: str) -> list[str]:
    """Return the paths of the resources whose ARNs alone may replace the resource, or nothing."""
    recreating = [
        detail for detail in details if detail.get("Target", {}).get("RequiresRecreation") != "Never"
    ]
    found = [_resource_of_arn(detail) for detail in recreating]
    return [path + name for name in found] if all(found) else []


def _resource_of_arn(detail: ResourceChangeDetailTypeDef) -> str:
    """Return the logical id of the resource whose attribute `Arn` may change the property, or ""."""
    name, _, attribute = detail.get("CausingEntity", "").partition(".")
    decides = (detail.get("Evaluation"), detail.get("ChangeSource")) == ("Dynamic", "ResourceAttribute")
    return name if decides and attribute == "Arn" else ""


def _target_name(detail: ResourceChangeDetailTypeDef) -> str:
    return detail.get("Target", {}).get("Name", "")
