"""Policies of resources, which allow or deny the calls of AWS services."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws import service_policies

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
RULE = "arn:aws:events:us-east-1:000000000000:rule/r"


def policy(**changes: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
    }
    return {"Version": "2012-10-17", "Statement": [statement | changes]}


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (policy(), True),
        (policy(Principal="*", Condition={}), True),
        (policy(Principal={"Service": "s3.amazonaws.com"}), False),
        (policy(Condition={"ArnLike": {"AWS:SourceArn": f"{RULE}-other"}}), False),
        (policy(Condition={"StringEquals": {"AWS:SourceAccount": "000000000000"}}), True),
        (policy(Condition={"StringEquals": {"AWS:SourceAccount": "111111111111"}}), False),
        (policy(Resource=f"{FUNCTION}-other"), False),
        (policy(Effect="Deny", Condition={}), False),
        ({"Version": "2012-10-17", "Statement": []}, False),
        (None, False),
    ],
)
def test_policy_of_a_resource_allows_or_denies_the_call_of_a_service(
    document: dict[str, Any] | None, allowed: bool
) -> None:
    request = ("events.amazonaws.com", "lambda:InvokeFunction", FUNCTION)
    assert service_policies.allows(document, *request, source_arn=RULE) is allowed
