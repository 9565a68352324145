"""Inspect Change Set: refuse what removes or replaces resources, unless that is allowed.

IAM: cloudformation:DescribeChangeSet on the stacks that may be deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, TypedDict

from botocore.exceptions import ClientError

from statemachines.deploy.change_policy import ResourceChange
from statemachines.deploy.change_sets import invalid
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task
from statemachines.fields import Fields, JsonObject
from stepline.core import clients
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.limits import MAX_NESTED_STACKS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef, ResourceChangeTypeDef


@dataclass(frozen=True)
class Event:
    """`{"request": …, "changeSet": {"id": …, "stackId": …}}`."""

    request: DeployRequest
    change_set_id: str
    stack_id: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            request=DeployRequest.parse(event.value("request")),
            change_set_id=event.section("changeSet").text("id"),
            stack_id=event.section("changeSet").text("stackId"),
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers `{"changes": how many, "dangerous": how many of them remove or replace}`."""
    return inspect_change_set(Event.parse(event), clients.cloudformation())


def inspect_change_set(event: Event, cloudformation: CloudFormationClient) -> JsonObject:
    """Raises `ReplacementRefusedError`, naming each resource, or `StackChangedError`."""
    changes = 0
    dangers = []
    for change in _changes(cloudformation, _Place(event.change_set_id, event.stack_id)):
        changes += 1
        if danger := change.danger():
            dangers.append(danger)
    if dangers and not event.request.allow_replacement:
        raise ReplacementRefusedError(dangers)
    return {"changes": changes, "dangerous": len(dangers)}


@dataclass(frozen=True)
class _Place:
    """A change set and where it is: of the stack itself, or of one nested in it."""

    change_set_id: str
    stack_id: str  # empty for a nested stack that does not exist yet
    path: str = ""
    depth: int = 0

    def inside(self, change: ResourceChange) -> _Place:
        return _Place(change.change_set_id, change.physical_id, f"{change.path}/", self.depth + 1)


class _PageArguments(TypedDict, total=False):
    StackName: str
    NextToken: str


def _changes(cloudformation: CloudFormationClient, place: _Place) -> Iterator[ResourceChange]:
    """All changes, page by page, and those inside nested stacks."""
    for page in _pages(cloudformation, place):
        if page["ExecutionStatus"] == "OBSOLETE":
            raise invalid()
        for item in page.get("Changes", []):
            change = _resource_change(item.get("ResourceChange", {}), place.path)
            if place.depth >= MAX_NESTED_STACKS:
                change = replace(change, change_set_id="")  # what is not looked into counts as dangerous
            if change.change_set_id:
                yield from _changes(cloudformation, place.inside(change))
            yield change


def _pages(cloudformation: CloudFormationClient, place: _Place) -> Iterator[DescribeChangeSetOutputTypeDef]:
    """Every page of the change set. Raises `StackChangedError` if it is gone."""
    arguments: _PageArguments = {"StackName": place.stack_id} if place.stack_id else {}
    while True:
        try:
            page = cloudformation.describe_change_set(ChangeSetName=place.change_set_id, **arguments)
        except ClientError as error:
            if change_set_does_not_exist(error):
                raise invalid() from error
            raise
        yield page
        if not page.get("NextToken"):
            return
        arguments["NextToken"] = page["NextToken"]


def _resource_change(change: ResourceChangeTypeDef, path: str) -> ResourceChange:
    return ResourceChange(
        path=path + change.get("LogicalResourceId", "?"),
        resource_type=change.get("ResourceType", "?"),
        action=change.get("Action", ""),
        replacement=change.get("Replacement", ""),
        policy_action=change.get("PolicyAction", ""),
        physical_id=change.get("PhysicalResourceId", ""),
        change_set_id=change.get("ChangeSetId", ""),
    )
