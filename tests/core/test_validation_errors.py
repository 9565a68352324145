"""What validation before a deployment found, in place of a reason that refers to DescribeEvents."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.core.cloudformation.validation_errors import with_validation_errors

REASON = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list of issues."
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEvents")


class CloudFormation:
    """`events` are returned, or raised."""

    def __init__(self, events: Any) -> None:
        self.events = events
        self.asked: dict[str, Any] = {}

    def describe_events(self, **arguments: Any) -> Any:
        self.asked = arguments
        if isinstance(self.events, Exception):
            raise self.events
        return {"OperationEvents": self.events}


def explained(client: Any, reason: str = REASON) -> str:
    return with_validation_errors(client, reason, change_set="arn:c")


def test_errors_are_named_with_their_resources() -> None:
    path = "/Resources/Q/Properties"
    events = [
        {"EventType": "PROVISIONING_ERROR", "LogicalResourceId": "stack"},
        {"EventType": "VALIDATION_ERROR", "LogicalResourceId": "Q", "ValidationPath": f"{path}/A/0"},
        {"EventType": "VALIDATION_ERROR", "LogicalResourceId": "Q", "ValidationPath": "/Resources/Q"},
    ]
    events[1]["ValidationStatusReason"] = "Required property [B] not found"
    events[2]["ValidationStatusReason"] = "Resource of type 'T' with identifier 'q' already exists."
    client = CloudFormation(events)
    assert explained(client) == (
        "Q/A/0: Required property [B] not found; Q: Resource of type 'T' with identifier 'q' already exists."
    )
    assert client.asked == {"ChangeSetName": "arn:c", "Filters": {"FailedEvents": True}}


@pytest.mark.parametrize("client", [CloudFormation([]), CloudFormation(DENIED), object()])
def test_reason_remains_where_the_errors_cannot_be_read(client: Any) -> None:
    assert explained(client) == REASON


def test_other_reasons_remain() -> None:
    client = CloudFormation(DENIED)
    assert explained(client, "Transform failed") == "Transform failed"
    assert client.asked == {}
