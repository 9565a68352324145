"""Inspect Change Set: refuse what removes or replaces resources, unless that is allowed.

IAM: cloudformation:DescribeChangeSet on the stacks that may be deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from statemachines.deploy import clients
from statemachines.deploy.change_policy import ResourceChange
from statemachines.deploy.change_sets import is_missing, moved
from statemachines.deploy.documents import Fields, JsonObject
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.limits import MAX_NESTING
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.task import task

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef, ResourceChangeTypeDef


@dataclass(frozen=True)
class Event:
    """`{"request": …, "changeSet": {"id": …}}`."""

    request: DeployRequest
    change_set_id: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            request=DeployRequest.parse(event.value("request")),
            change_set_id=event.section("changeSet").text("id"),
        )


@task
def handler(event: Fields) -> JsonObject:
    """Answers `{"changes": how many, "dangerous": how many of them remove or replace}`."""
    return inspect_change_set(Event.parse(event), clients.cloudformation())


def inspect_change_set(event: Event, cloudformation: CloudFormationClient) -> JsonObject:
    """Raises `ReplacementRefusedError`, naming each resource, or `StackMovedError`."""
    changes = 0
    dangers = []
    for change in _changes(cloudformation, event.change_set_id):
        changes += 1
        if danger := change.danger():
            dangers.append(danger)
    if dangers and not event.request.allow_replacement:
        raise ReplacementRefusedError(dangers)
    return {"changes": changes, "dangerous": len(dangers)}


def _changes(
    cloudformation: CloudFormationClient, change_set_id: str, path: str = "", depth: int = 0
) -> Iterator[ResourceChange]:
    """All changes, page by page, and those inside nested stacks."""
    for page in _pages(cloudformation, change_set_id):
        if page["ExecutionStatus"] == "OBSOLETE":
            raise moved()
        for item in page.get("Changes", []):
            change = _resource_change(item.get("ResourceChange", {}), path)
            if depth >= MAX_NESTING:
                change = replace(change, change_set_id="")  # what is not looked into counts as dangerous
            if change.change_set_id:
                yield from _changes(cloudformation, change.change_set_id, f"{change.path}/", depth + 1)
            yield change


def _pages(
    cloudformation: CloudFormationClient, change_set_id: str
) -> Iterator[DescribeChangeSetOutputTypeDef]:
    """Every page of the change set. Raises `StackMovedError` if it is gone."""
    token = ""
    while True:
        try:
            page = (
                cloudformation.describe_change_set(ChangeSetName=change_set_id, NextToken=token)
                if token
                else cloudformation.describe_change_set(ChangeSetName=change_set_id)
            )
        except ClientError as error:
            if is_missing(error):
                raise moved() from error
            raise
        yield page
        token = page.get("NextToken", "")
        if not token:
            return


def _resource_change(change: ResourceChangeTypeDef, path: str) -> ResourceChange:
    return ResourceChange(
        path=path + change.get("LogicalResourceId", "?"),
        resource_type=change.get("ResourceType", "?"),
        action=change.get("Action", ""),
        replacement=change.get("Replacement", ""),
        policy_action=change.get("PolicyAction", ""),
        change_set_id=change.get("ChangeSetId", ""),
    )
