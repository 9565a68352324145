"""Reads what CloudFormation's validation before a deployment found.

The reason of a change set or stack that fails it names no resource: "use the DescribeEvents API for detailed
failure information". https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.core.limits import MAX_REASON_CHARACTERS
from stepline.core.text import joined

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_SEE_EVENTS: Final = "DescribeEvents"
_PROPERTIES: Final = "/Properties"


def with_validation_errors(
    cloudformation: CloudFormationClient, reason: str, *, change_set: str = "", stack: str = ""
) -> str:
    """Return the errors that the reason of a change set or of a stack refers to, or the reason itself.

    Such as "Queue: Unsupported property [Name]". The reason is returned, too, if the errors may not be read.
    """
    if _SEE_EVENTS not in reason:
        return reason
    which: dict[str, Any] = {"ChangeSetName": change_set} if change_set else {"StackName": stack}
    try:
        events = cloudformation.describe_events(**which, Filters={"FailedEvents": True})["OperationEvents"]
    except (AttributeError, BotoCoreError, ClientError):  # an old version of boto3 lacks the operation
        return reason
    found = [_error(event) for event in events if event.get("EventType") == "VALIDATION_ERROR"]
    return joined(found, MAX_REASON_CHARACTERS, "; ") if found else reason


def _error(event: Any) -> str:
    """Return the place of an error below its resource, and the error."""
    name = event.get("LogicalResourceId", "")
    place = event.get("ValidationPath", "").partition(_PROPERTIES)[2].strip("/")
    return f"{'/'.join(filter(None, (name, place)))}: {event.get('ValidationStatusReason', '')}"
