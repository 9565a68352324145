"""Fn::GetAtt under a stack's role: CloudFormation reads the other resource with it, unchanged or not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.localaws.running_server import Server
from tests.waiting import wait_for

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudformation.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
FUNCTION_TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"ReadsRole": {"Type": "String", "Default": "no"}},
    "Conditions": {"ReadsRole": {"Fn::Equals": [{"Ref": "ReadsRole"}, "yes"]}},
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Statement": [FUNCTION_TRUST]}},
        },
        "Text": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "a"}},
    },
}
READS = {"Fn::GetAtt": ["Role", "Arn"]}


def update(server: Server, name: str, before: Any, after: Any, *, actions: list[str]) -> tuple[str, str]:
    """Update the parameter's value under a role; return the stack's status, and why the parameter failed."""
    iam, stacks = server.client("iam"), server.client("cloudformation")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))["Role"]
    statement = {"Effect": "Allow", "Action": ["ssm:*", *actions], "Resource": "*"}
    policy = json.dumps({"Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    arguments = {"StackName": name, "Capabilities": ["CAPABILITY_IAM"]}
    stacks.create_stack(**arguments, TemplateBody=with_value(before))
    assert status(stacks, name) == "CREATE_COMPLETE"
    stacks.update_stack(**arguments, TemplateBody=with_value(after), RoleARN=role["Arn"])
    events = [status(stacks, name), stacks.describe_stack_events(StackName=name)["StackEvents"]]
    failed = [event for event in events[1] if event["ResourceStatus"] == "UPDATE_FAILED"]
    return events[0], failed[0]["ResourceStatusReason"] if failed else ""


def with_value(value: Any) -> str:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Text"]["Properties"]["Value"] = value
    return json.dumps(template)


def status(stacks: Any, name: str) -> str:
    def read() -> str:
        found = str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        return "" if found.endswith("_IN_PROGRESS") else found

    wait_for(read, seconds=20.0)
    return read()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("new-reference", "a", READS),
        ("old-reference", {"Fn::Sub": "${Role.Arn} a"}, {"Fn::Sub": "${Role.Arn} b"}),
        ("nested-reference", "a", {"Fn::If": ["ReadsRole", "b", {"Fn::Join": ["", [READS]]}]}),
    ],
)
def test_update_needs_to_read_the_other_resource(server: Server, name: str, before: Any, after: Any) -> None:
    ended, reason = update(server, name, before, after, actions=[])
    assert ended == "UPDATE_ROLLBACK_COMPLETE"
    assert reason.startswith("Unable to retrieve Arn attribute for AWS::IAM::Role, with error message ")
    assert "iam:GetRole" in reason


@pytest.mark.parametrize(
    ("name", "before", "after", "actions"),
    [
        ("reader", "a", READS, ["iam:GetRole"]),
        ("removed-reference", READS, "b", []),
        ("other-branch", "a", {"Fn::If": ["ReadsRole", READS, "b"]}, []),
        ("no-attribute", "a", {"Ref": "Role"}, []),
    ],
)
def test_update_reads_only_what_it_refers_to(
    server: Server, name: str, before: Any, after: Any, actions: list[str]
) -> None:
    assert update(server, name, before, after, actions=actions) == ("UPDATE_COMPLETE", "")
