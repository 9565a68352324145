"""Change sets of nested stacks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from statemachines.approvals.setting import ApprovalSetting
from statemachines.deploy.allowance import Allowance
from statemachines.deploy.errors import ReplacementRefusedError
from statemachines.deploy.inspect_change_set import ChangeSetRef, inspect_change_set
from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

STACK = "AWS::CloudFormation::Stack"
CHILD: dict[str, Any] = {
    "Parameters": {"Name": {"Type": "String", "Default": "first"}, "Size": {"Type": "Number", "Default": 1}},
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Name"}}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Size"}}},
    },
    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
}
CONSUMER: dict[str, Any] = {
    "Parameters": {"Topic": {"Type": "String"}},
    "Resources": {
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Topic"}},
        },
        "Policy": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:::q"},
        },
    },
}


@pytest.fixture
def bucket(server: Server) -> str:
    name = f"templates-{uuid.uuid4().hex[:8]}"
    server.client("s3").create_bucket(Bucket=name)
    return name


class Templates:
    """Puts templates into a bucket."""

    def __init__(self, server: Server, bucket: str) -> None:
        self._server, self._bucket = server, bucket

    def nested(self, template: Any, **parameters: Any) -> tuple[str, dict[str, Any]]:
        key = f"{hash(json.dumps(template)):x}.json"
        self._server.client("s3").put_object(Bucket=self._bucket, Key=key, Body=json.dumps(template).encode())
        url = f"http://127.0.0.1:{self._server.port}/{self._bucket}/{key}"
        return STACK, {"TemplateURL": url, "Parameters": parameters}


@pytest.fixture
def templates(server: Server, bucket: str) -> Templates:
    return Templates(server, bucket)


def changes_of(stack: Deployment, change_set_id: str) -> dict[str, Any]:
    answer = stack.client.describe_change_set(ChangeSetName=change_set_id)
    return {item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"] for item in answer["Changes"]}


def test_nested_change_set_shows_the_changes_of_the_nested_stack(
    server: Server, templates: Templates
) -> None:
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    changes = stack.preview(resources(Child=templates.nested(CHILD, Name="second")))
    assert (changes["Child"]["Action"], changes["Child"]["Replacement"]) == ("Modify", "False")
    assert changes["Child"]["Details"][-1]["ChangeSource"] == "Automatic"
    nested = changes_of(stack, changes["Child"]["ChangeSetId"])
    assert {name: change["Replacement"] for name, change in nested.items()} == {"Topic": "False"}
    stack.execute()


def test_change_sets_name_their_parent_and_root(server: Server, templates: Templates) -> None:
    stack = Deployment.on(server).create(
        resources(Middle=templates.nested(resources(Child=templates.nested(CHILD))))
    )
    changed = resources(Middle=templates.nested(resources(Child=templates.nested(CHILD, Name="second"))))
    middle = stack.preview(changed)["Middle"]["ChangeSetId"]
    child = changes_of(stack, middle)["Child"]["ChangeSetId"]
    root = stack.client.describe_change_set(StackName=stack.name, ChangeSetName=stack.change_set)
    described = [root, *(stack.client.describe_change_set(ChangeSetName=name) for name in (middle, child))]
    assert [item.get("ParentChangeSetId") for item in described] == [None, root["ChangeSetId"], middle]
    assert [item.get("RootChangeSetId") for item in described] == [None, *[root["ChangeSetId"]] * 2]
    assert [item["IncludeNestedStacks"] for item in described] == [True, True, True]


def test_nested_stack_without_changes_is_no_change(server: Server, templates: Templates) -> None:
    """A template at another address may be the same."""
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    stack.preview(resources(Child=templates.nested({**CHILD, "Description": "The same"})))
    answer = stack.client.describe_change_set(StackName=stack.name, ChangeSetName=stack.change_set)
    assert (answer["Status"], answer["Changes"]) == ("FAILED", [])
    assert answer["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_outputs_of_a_changed_nested_stack_are_unknown(server: Server, templates: Templates) -> None:
    """Recorded on AWS: a parameter with such an output is a static change, even if it stays the same."""

    def template(name: str) -> dict[str, Any]:
        topic = {"Fn::GetAtt": ["Child", "Outputs.Topic"]}
        child, consumer = templates.nested(CHILD, Name=name), templates.nested(CONSUMER, Topic=topic)
        return resources(Child=child, Consumer=consumer)

    stack = Deployment.on(server).create(template("first"))
    changes = stack.preview(template("second"))
    nested = changes_of(stack, changes["Consumer"]["ChangeSetId"])
    assert {name: change["Replacement"] for name, change in nested.items()} == {
        "Parameter": "False",
        "Policy": "True",
    }
    assert ("Static", "ParameterReference", "Topic") in [
        (detail["Evaluation"], detail["ChangeSource"], detail.get("CausingEntity"))
        for detail in nested["Policy"]["Details"]
    ]


def test_only_the_root_is_executed(server: Server, templates: Templates) -> None:
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    nested = stack.preview(resources(Child=templates.nested(CHILD, Name="second")))["Child"]["ChangeSetId"]
    for operation in (stack.client.execute_change_set, stack.client.delete_change_set):
        with pytest.raises(ClientError, match="ValidationError"):
            operation(ChangeSetName=nested)
    stack.client.delete_change_set(StackName=stack.name, ChangeSetName=stack.change_set)
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        stack.client.describe_change_set(ChangeSetName=nested)


def test_without_include_nested_stacks_there_are_none(server: Server, templates: Templates) -> None:
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    changes = stack.preview(resources(Child=templates.nested(CHILD, Name="second")), nested=False)
    assert "ChangeSetId" not in changes["Child"]


NOT_ASKED = ApprovalSetting(is_asked=False, timeout_minutes=1, not_by_requester=False)


def test_guard_refuses_what_a_nested_stack_would_lose(server: Server, templates: Templates) -> None:
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    smaller = {**CHILD, "Resources": {"Topic": CHILD["Resources"]["Topic"]}}
    stack.preview(resources(Child=templates.nested(smaller, Name="second")))
    answer = stack.client.describe_change_set(StackName=stack.name, ChangeSetName=stack.change_set)
    reference = ChangeSetRef(answer["ChangeSetId"], answer["StackId"])
    with pytest.raises(ReplacementRefusedError) as caught:
        inspect_change_set(stack.client, reference, Allowance(), NOT_ASKED)
    assert caught.value.dangers == ("Child/Queue (AWS::SQS::Queue) would be removed from the stack",)
    found = inspect_change_set(stack.client, reference, Allowance(names=("Child/Queue",)), NOT_ASKED)
    assert found["summary"] == "Removed, as allowReplacement allows: Child/Queue (AWS::SQS::Queue)."


def test_failing_nested_change_set_fails_the_root(server: Server, templates: Templates) -> None:
    stack = Deployment.on(server).create(resources(Child=templates.nested(CHILD)))
    stack.preview(resources(Child=templates.nested(CHILD, Size="large")))
    answer = stack.client.describe_change_set(StackName=stack.name, ChangeSetName=stack.change_set)
    assert answer["Status"] == "FAILED"
    assert answer["StatusReason"].startswith("Nested change set")
    assert "Size" in answer["StatusReason"]
