"""Inspect Change Set: refuses a change set that removes or replaces what holds data or an identity.

If the input or the default says so, it lists what a person must approve, instead.

IAM: cloudformation:DescribeChangeSet on the stacks that may be deployed.
Environment: ASK_FOR_APPROVAL, APPROVAL_TIMEOUT_MINUTES, APPROVAL_NOT_BY_REQUESTER.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from statemachines.approvals.setting import ApprovalSetting
from statemachines.deploy.allowance import Allowance
from statemachines.deploy.change_policy import Decision
from statemachines.deploy.change_sets import change_set_invalid
from statemachines.deploy.change_summary import summarize
from statemachines.deploy.changes_to_approve import changes_to_approve
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.resource_changes import ResourceChange
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import change_set_does_not_exist
from stepline.core.errors import TransientAwsError
from stepline.core.fields import Fields, JsonObject
from stepline.core.limits import MAX_NESTED_STACKS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef


@dataclass(frozen=True)
class ChangeSetRef:
    """A change set of the stack itself, or of a stack nested in it."""

    id: str
    stack_id: str  # empty for a nested stack that does not exist yet
    path: str = ""
    depth: int = 0

    def nested(self, change: ResourceChange) -> ChangeSetRef:
        return ChangeSetRef(change.change_set_id, change.physical_id, f"{change.path}/", self.depth + 1)


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"request": …, "changeSet": {"id": …, "stackId": …}}`.

    Returns `{"changes": number of changes, "summary": what it removes or replaces, though it may,
    "approval": `changes_to_approve`}`.
    """
    request, change_set = DeployRequest.parse(event.value("request")), event.section("changeSet")
    reference = ChangeSetRef(change_set.text("id"), change_set.text("stackId"))
    setting = ApprovalSetting.of(request.approval)
    return inspect_change_set(clients.cloudformation(), reference, request.allow_replacement, setting)


def inspect_change_set(
    cloudformation: CloudFormationClient,
    change_set: ChangeSetRef,
    allowance: Allowance,
    approval: ApprovalSetting,
) -> JsonObject:
    """Raise `ReplacementRefusedError` unless a person is asked, or `StackChangedError`."""
    changes = list(_changes(cloudformation, change_set))
    decision = Decision.of(changes, allowance)
    if decision.refused and not approval.is_asked:
        raise ReplacementRefusedError(
            [str(change) for change in decision.refused], [change.path for change in decision.refused]
        )
    return {
        "changes": len(changes),
        "summary": summarize(decision),
        "approval": changes_to_approve(decision.refused, approval),
    }


def _changes(cloudformation: CloudFormationClient, change_set: ChangeSetRef) -> Iterator[ResourceChange]:
    """Yield all changes, also those inside nested stacks."""
    for page in _pages(cloudformation, change_set):
        _check_is_created(page)
        for item in page.get("Changes", []):
            change = ResourceChange.parse(item.get("ResourceChange", {}), change_set.path)
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
    cloudformation: CloudFormationClient, change_set: ChangeSetRef
) -> Iterator[DescribeChangeSetOutputTypeDef]:
    """Yield the pages of the change set. Raise `StackChangedError` if it does not exist any more.

    They are read without property values: with them, CloudFormation takes attributes to be unchanged, and
    lists no change that only a changed attribute causes.
    """
    arguments: _StackArguments = {"StackName": change_set.stack_id} if change_set.stack_id else {}
    paginator = cloudformation.get_paginator("describe_change_set")
    try:
        yield from paginator.paginate(ChangeSetName=change_set.id, **arguments)
    except ClientError as error:
        if change_set_does_not_exist(error):
            raise change_set_invalid() from error
        raise
