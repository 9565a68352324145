"""The permissions that a stack's service role requires to change a resource."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stepline.localaws.cloudformation import role_permissions
from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.role_permissions import (
    HANDLERS,
    ResourceChange,
    read_permission,
    required_permissions,
    service_of,
)
from stepline.localaws.cloudformation.type_schemas import type_schema

ARNS = Arns("000000000000", "us-east-1")
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
ROLE = "arn:aws:iam::000000000000:role/r"


def required(
    operation: str, resource_type: str, physical_id: str = "", **properties: Any
) -> list[tuple[str, str]]:
    old, new = properties.get("old", {}), properties.get("new", {})
    found = required_permissions(ResourceChange(operation, resource_type, physical_id, old, new), ARNS)
    assert found is not None
    return [(permission.action, permission.resource) for permission in found]


def test_update_of_a_state_machine_requires_passing_its_role() -> None:
    new = {"RoleArn": ROLE, "StateMachineName": "m"}
    found = required("update", "AWS::StepFunctions::StateMachine", MACHINE, old=new, new=new)
    assert found == [
        ("states:UpdateStateMachine", MACHINE),
        ("iam:PassRole", ROLE),
        ("states:DescribeStateMachine", MACHINE),
        ("states:ListTagsForResource", MACHINE),
    ]


def test_changed_tags_require_a_permission_of_their_own() -> None:
    old, new = {"RoleArn": ROLE}, {"RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}]}
    resource_type = "AWS::StepFunctions::StateMachine"
    assert ("states:TagResource", MACHINE) in required("update", resource_type, MACHINE, old=old, new=new)
    assert ("states:TagResource", MACHINE) in required(
        "create", resource_type, new={**new, "StateMachineName": "m"}
    )


@pytest.mark.parametrize(
    ("operation", "resource_type", "physical_id", "new", "expected"),
    [
        ("delete", "AWS::StepFunctions::StateMachine", MACHINE, {}, ("states:DeleteStateMachine", MACHINE)),
        (
            "create",
            "AWS::SSM::Parameter",
            "",
            {"Name": "/a/b"},
            ("ssm:PutParameter", "arn:aws:ssm:us-east-1:000000000000:parameter/a/b"),
        ),
        (
            "delete",
            "AWS::SSM::Parameter",
            "p",
            {},
            ("ssm:DeleteParameter", "arn:aws:ssm:us-east-1:000000000000:parameter/p"),
        ),
        (
            "update",
            "AWS::SQS::Queue",
            "http://localhost/000000000000/q",
            {},
            ("sqs:SetQueueAttributes", "arn:aws:sqs:us-east-1:000000000000:q"),
        ),
        ("create", "AWS::S3::Bucket", "", {}, ("s3:CreateBucket", "arn:aws:s3:::*")),
        (
            "update",
            "AWS::SNS::Topic",
            "arn:aws:sns:us-east-1:000000000000:t",
            {},
            ("sns:SetTopicAttributes", "arn:aws:sns:us-east-1:000000000000:t"),
        ),
        (
            "create",
            "AWS::Logs::LogGroup",
            "",
            {"LogGroupName": "/g"},
            ("logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:/g"),
        ),
        ("update", "AWS::IAM::Role", "r", {"Policies": [1]}, ("iam:PutRolePolicy", ROLE)),
        ("create", "AWS::IAM::Role", "", {"RoleName": "r"}, ("iam:CreateRole", ROLE)),
        (
            "update",
            "AWS::Lambda::Function",
            "f",
            {"Code": 1},
            ("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:000000000000:function:f"),
        ),
    ],
)
def test_change_requires_the_action_of_its_operation(
    operation: str, resource_type: str, physical_id: str, new: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert required(operation, resource_type, physical_id, new=new)[0] == expected


@pytest.mark.parametrize("resource_type", HANDLERS)
def test_actions_are_those_of_the_schema(resource_type: str) -> None:
    schema = json.loads(type_schema(resource_type, "us-east-1") or "{}")
    for operation, actions in HANDLERS[resource_type].actions.items():
        assert set(actions) == set(schema["handlers"][operation]["permissions"])


def test_tags_of_the_stack_require_the_actions_for_tags() -> None:
    tagged, plain = {"Tags": [{"Key": "team", "Value": "a"}]}, {"Tags": [{"Key": "aws:x", "Value": "b"}]}

    def actions(operation: str, **properties: Any) -> set[str]:
        found = required(operation, "AWS::SQS::Queue", **properties)
        return {action for action, _ in found} & {"sqs:TagQueue", "sqs:UntagQueue"}

    assert actions("create", new=tagged) == {"sqs:TagQueue"}
    assert actions("create", new=plain) == set()
    assert actions("update", old=plain, new=tagged) == {"sqs:TagQueue"}
    assert actions("update", old=tagged, new=plain) == {"sqs:UntagQueue"}
    assert actions("update", old=tagged, new=tagged) == set()


def test_resource_without_a_name_has_the_name_that_cloudformation_gives() -> None:
    change = ResourceChange("create", "AWS::SQS::Queue", default_name="dev-app-Queue-*")
    found = required_permissions(change, ARNS)
    assert found is not None
    assert {need.resource for need in found} == {"arn:aws:sqs:us-east-1:000000000000:dev-app-Queue-*"}


@pytest.mark.parametrize(
    ("resource_type", "service"),
    [
        ("AWS::EC2::VPC", "ec2"),
        ("AWS::StepFunctions::Activity", "states"),
        ("AWS::CloudFormation::WaitConditionHandle", ""),
        ("Custom::Thing", ""),
    ],
)
def test_other_types_require_any_action_of_their_service(resource_type: str, service: str) -> None:
    assert required_permissions(ResourceChange("create", resource_type), ARNS) is None
    assert service_of(resource_type) == service


@pytest.mark.parametrize("resource_type", role_permissions._READERS)
def test_read_of_an_attribute_requires_an_action_of_the_read_handler(resource_type: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    permission = read_permission(resource_type, "r", ARNS)
    assert permission is not None
    assert permission.action in schema["handlers"]["read"]["permissions"]


def test_read_of_a_role_requires_its_arn() -> None:
    permission = read_permission("AWS::IAM::Role", "r", ARNS)
    assert permission is not None
    assert (permission.action, permission.resource) == ("iam:GetRole", ROLE)
    assert read_permission("AWS::EC2::VPC", "vpc-1", ARNS) is None
