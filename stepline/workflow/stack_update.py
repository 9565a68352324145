"""Waits for the update of a stack, and tells why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stepline.aws.polling import Pace
from stepline.aws.stacks import describe_stack
from stepline.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_UPDATED: Final = "UPDATE_COMPLETE"
_IN_PROGRESS: Final = "_IN_PROGRESS"
_UPDATABLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        _UPDATED,
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
"""Statuses of a stack that can be updated [doc: Stack status codes]."""

_FAILED: Final = "_FAILED"
_CANCELLED: Final = "cancelled"


def check_updatable(stack: StackTypeDef) -> None:
    """Raises UsageError."""
    name, status = stack["StackName"], stack["StackStatus"]
    if status.endswith(_IN_PROGRESS) and status != "REVIEW_IN_PROGRESS":
        raise UsageError(
            f"the stack {name} is {status}: somebody is updating it; try again when that is over"
        )
    if status not in _UPDATABLE:
        raise UsageError(
            f"the stack {name} is {status} and cannot be updated: whoever is in charge of it must repair it"
        )


def wait_for_update(cloudformation: CloudFormationClient, stack_name: str, token: str, pace: Pace) -> None:
    """Raises UsageError, with the reason, if the update was rolled back."""
    for _ in pace.ticks():
        stack = pace.patiently(lambda: describe_stack(cloudformation, stack_name))
        status = stack["StackStatus"]
        if status == _UPDATED:
            return
        if not status.endswith(_IN_PROGRESS):
            reasons = _reasons(cloudformation, stack_name, token)
            raise UsageError(
                f"the update failed, and {stack_name} is as it was before ({status})"
                if status == "UPDATE_ROLLBACK_COMPLETE"
                else f"the update failed, and {stack_name} is {status}: a person must look at it",
                details=reasons or [stack.get("StackStatusReason", "CloudFormation tells no reason")],
            )


def _reasons(cloudformation: CloudFormationClient, stack_name: str, token: str) -> list[str]:
    """What failed in this operation, the first first; not what was cancelled because of it."""
    reasons: list[str] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name):
        own = [event for event in page["StackEvents"] if event.get("ClientRequestToken") == token]
        for event in own:
            reason = event.get("ResourceStatusReason", "")
            if event.get("ResourceStatus", "").endswith(_FAILED) and _CANCELLED not in reason:
                reasons.append(f"{event.get('LogicalResourceId')}: {reason}")
        if len(own) < len(page["StackEvents"]):
            break
    return reasons[::-1]
