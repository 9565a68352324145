"""What a stack's role needs to change a resource."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudformation.role_needs import Change, Place, needs_of, service_of

PLACE = Place("000000000000", "us-east-1")
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
ROLE = "arn:aws:iam::000000000000:role/r"


def needs(operation: str, kind: str, physical_id: str = "", **properties: Any) -> list[tuple[str, str]]:
    old, new = properties.get("old", {}), properties.get("new", {})
    found = needs_of(Change(operation, kind, physical_id, old, new), PLACE)
    assert found is not None
    return [(need.action, need.resource) for need in found]


def test_a_state_machine_gets_its_role_with_each_update() -> None:
    new = {"RoleArn": ROLE, "StateMachineName": "m"}
    found = needs("update", "AWS::StepFunctions::StateMachine", MACHINE, old=new, new=new)
    assert found == [
        ("states:UpdateStateMachine", MACHINE),
        ("iam:PassRole", ROLE),
        ("states:DescribeStateMachine", MACHINE),
        ("states:ListTagsForResource", MACHINE),
    ]


def test_other_tags_are_a_permission_of_their_own() -> None:
    old, new = {"RoleArn": ROLE}, {"RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}]}
    kind = "AWS::StepFunctions::StateMachine"
    assert ("states:TagResource", MACHINE) in needs("update", kind, MACHINE, old=old, new=new)
    assert ("states:TagResource", MACHINE) in needs("create", kind, new={**new, "StateMachineName": "m"})


@pytest.mark.parametrize(
    ("operation", "kind", "physical_id", "new", "need"),
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
def test_a_resource_needs_its_operation(
    operation: str, kind: str, physical_id: str, new: dict[str, Any], need: tuple[str, str]
) -> None:
    assert needs(operation, kind, physical_id, new=new)[0] == need


@pytest.mark.parametrize(
    ("kind", "service"),
    [
        ("AWS::EC2::VPC", "ec2"),
        ("AWS::StepFunctions::Activity", "states"),
        ("AWS::CloudFormation::WaitConditionHandle", ""),
        ("Custom::Thing", ""),
    ],
)
def test_of_other_types_the_service_is_known(kind: str, service: str) -> None:
    assert needs_of(Change("create", kind), PLACE) is None
    assert service_of(kind) == service
