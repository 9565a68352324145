"""Rules for the template of the S3 trigger that linters do not check."""

from __future__ import annotations

import re
from typing import Any

import pytest

from statemachines.s3_trigger.object_events import WRITE_CALLS
from stepline.deployment.template import read_template
from tests.statemachines.s3_trigger.world import PROJECT
from tests.template.resolved import resolved

TEMPLATE = read_template(PROJECT / "statemachines/s3_trigger/template.yaml")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
_, RECORDED, NOTIFIED = RESOURCES["WriteRule"]["Properties"]["EventPattern"]["Fn::If"]


def test_trail_and_rule_select_the_calls_that_the_function_handles() -> None:
    (selector,) = RESOURCES["Trail"]["Properties"]["AdvancedEventSelectors"]
    recorded = {field["Field"]: field.get("Equals") for field in selector["FieldSelectors"]}
    assert sorted(recorded["eventName"]) == sorted(WRITE_CALLS)
    assert sorted(RECORDED["detail"]["eventName"]) == sorted(WRITE_CALLS)


def test_both_ways_of_detection_have_the_same_filter() -> None:
    notified = NOTIFIED["detail"]
    recorded = RECORDED["detail"]["requestParameters"]
    assert (
        notified["object"]["key"]
        == recorded["key"]
        == [{"wildcard": {"Fn::Sub": "${KeyPrefix}*${KeySuffix}"}}]
    )
    assert notified["bucket"]["name"] == recorded["bucketName"]


def test_policies_name_the_trail() -> None:
    name = RESOURCES["Trail"]["Properties"]["TrailName"]["Fn::Sub"]
    named = re.findall(r"cloudtrail:[^']*:trail/([^']*)'", str(RESOURCES))
    assert named == [name] * 3


@pytest.mark.parametrize(
    ("parameter", "value", "fits"),
    [
        ("KeyPrefix", "", True),
        ("KeyPrefix", "incoming/2026 Nov+/ä", True),
        ("KeyPrefix", "in*", False),
        ("KeySuffix", "a\\b", False),
        ("KeySuffix", "x" * 251, False),
        ("TargetBucketName", "", True),
        ("TargetBucketName", "my.bucket-1", True),
        ("TargetBucketName", "s3://bucket", False),
        ("TargetBucketName", "Bucket", False),
        ("StateMachineArn", "", True),
        ("StateMachineArn", "arn:aws:states:eu-west-1:111122223333:stateMachine:orders", True),
        ("StateMachineArn", "arn:aws:states:eu-west-1:111122223333:stateMachine:orders:live", True),
        ("StateMachineArn", "arn:aws:states:eu-west-1:111122223333:execution:orders:e", False),
        ("StateMachineArn", "orders", False),
    ],
)
def test_parameter_pattern_accepts_only_usable_values(parameter: str, value: str, fits: bool) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is fits


@pytest.mark.parametrize("suffix", ["", ":live", ":3"])
def test_role_may_use_the_state_machine_of_a_version_or_alias(suffix: str) -> None:
    """IAM authorizes versions and aliases by the state machine's ARN.

    https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
    """
    orders = "arn:aws:states:eu-west-1:111122223333:stateMachine:orders"
    role = resolved("statemachines/s3_trigger/template.yaml", StateMachineArn=f"{orders}{suffix}").resources[
        "StartExecutionRole"
    ]
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {
        action: statement["Resource"]
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed["states:StartExecution"] == orders
    assert allowed["states:DescribeStateMachine"] == orders
