"""Nested stacks: stacks of their own, with transforms, parameters, roles and rollback.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

SAM = "AWS::Serverless-2016-10-31"
CHILD: dict[str, Any] = {
    "Transform": SAM,
    "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
    "Conditions": {"Second": {"Fn::Equals": [{"Fn::Select": [0, {"Ref": "Names"}]}, "second"]}},
    "Resources": {
        "Table": {"Type": "AWS::Serverless::SimpleTable"},
        "Second": {"Type": "AWS::SQS::Queue", "Condition": "Second"},
    },
    "Outputs": {"TableName": {"Value": {"Ref": "Table"}}},
}

FAILING = {
    "Type": "AWS::IAM::Policy",
    "Properties": {"PolicyName": "p", "PolicyDocument": {"Statement": []}, "Roles": ["missing"]},
}


@pytest.fixture
def bucket(server: Server) -> str:
    name = f"templates-{uuid.uuid4().hex[:8]}"
    server.client("s3").create_bucket(Bucket=name)
    return name


def parent(server: Server, bucket: str, child: Any, **parameters: Any) -> Any:
    """Return a template with the nested stack, and a parameter whose value is the table's name."""
    key = f"{uuid.uuid4().hex}.json"
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(child).encode())
    properties = {"TemplateURL": f"http://127.0.0.1:{server.port}/{bucket}/{key}", "Parameters": parameters}
    output = {"Fn::GetAtt": ["Child", "Outputs.TableName"]}
    template = resources(
        Child=("AWS::CloudFormation::Stack", properties),
        Name=("AWS::SSM::Parameter", {"Type": "String", "Value": output}),
    )
    return {**template, "Outputs": {"TableName": {"Value": output}}}


def nested(server: Server, stack: Deployment) -> Deployment:
    return Deployment(stack.client, stack.physical_ids()["Child"])


def test_nested_stack_is_transformed_and_has_outputs(server: Server, bucket: str) -> None:
    stack = Deployment.on(server).create(parent(server, bucket, CHILD, Names="second,first"))
    child = nested(server, stack)
    assert child.status() == "CREATE_COMPLETE"
    assert child.physical_ids().keys() == {"Table", "Second"}
    assert stack.outputs() == {"TableName": child.physical_ids()["Table"]}


def test_ids_of_parent_and_root_are_returned(server: Server, bucket: str) -> None:
    middle = parent(server, bucket, CHILD)
    stack = Deployment.on(server).create(parent(server, bucket, middle))
    child = nested(server, stack)
    grandchild = nested(server, child)
    described = [
        stack.client.describe_stacks(StackName=s.name)["Stacks"][0] for s in (stack, child, grandchild)
    ]
    root = described[0]["StackId"]
    assert [item.get("ParentId") for item in described] == [None, root, described[1]["StackId"]]
    assert [item.get("RootId") for item in described] == [None, root, root]


def test_update_keeps_the_nested_stack(server: Server, bucket: str) -> None:
    stack = Deployment.on(server).create(parent(server, bucket, CHILD))
    before = stack.physical_ids()
    update(stack, parent(server, bucket, CHILD, Names="second"))
    assert stack.status() == "UPDATE_COMPLETE", stack.reasons()
    assert stack.physical_ids() == before
    assert nested(server, stack).physical_ids().keys() == {"Table", "Second"}


def test_failing_creation_leaves_nothing(server: Server, bucket: str) -> None:
    broken = {**CHILD, "Resources": {**CHILD["Resources"], "Policy": FAILING}}
    stack = Deployment.on(server)
    reasons = stack.create_failing(parent(server, bucket, broken))
    assert "was not successfully created: The following resource(s) failed to create: [Policy]" in reasons[0]
    names = [item["StackName"] for item in stack.client.describe_stacks()["Stacks"]]
    assert not [name for name in names if name.startswith(f"{stack.name}-")]


def test_failing_update_of_the_nested_stack_is_rolled_back(server: Server, bucket: str) -> None:
    stack = Deployment.on(server).create(parent(server, bucket, CHILD))
    broken = {**CHILD, "Resources": {**CHILD["Resources"], "Policy": FAILING}}
    update(stack, parent(server, bucket, broken, Names="second"))
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert "was not successfully updated" in stack.reasons()[0]
    assert nested(server, stack).physical_ids().keys() == {"Table"}


def test_failure_beside_it_rolls_the_nested_stack_back(server: Server, bucket: str) -> None:
    stack = Deployment.on(server).create(parent(server, bucket, CHILD))
    template = parent(server, bucket, CHILD, Names="second")
    template["Resources"]["Policy"] = {**FAILING, "DependsOn": "Child"}
    update(stack, template)
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert nested(server, stack).physical_ids().keys() == {"Table"}


def test_deletion_is_in_progress_at_once(server: Server) -> None:
    stack = Deployment.on(server).create(resources(Topic=("AWS::SNS::Topic", {})))
    (described,) = stack.client.describe_stacks(StackName=stack.name)["Stacks"]
    stack.client.delete_stack(StackName=stack.name)
    (deleted,) = stack.client.describe_stacks(StackName=described["StackId"])["Stacks"]
    assert deleted["StackStatus"] in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}


def test_deletion_deletes_the_nested_stack(server: Server, bucket: str) -> None:
    stack = Deployment.on(server).create(parent(server, bucket, CHILD))
    child, table = nested(server, stack), stack.outputs()["TableName"]
    stack.delete()
    assert child.status() == "DELETE_COMPLETE"
    assert table not in server.client("dynamodb").list_tables()["TableNames"]


def update(stack: Deployment, template: Any) -> None:
    stack.client.update_stack(
        StackName=stack.name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
