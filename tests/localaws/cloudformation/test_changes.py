"""`Changes` of DescribeChangeSet for an update, and that the update does what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

BUCKET = "AWS::S3::Bucket"
QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
TRUST = {
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
}


def detail(
    name: str, source: str, entity: str = "", *, evaluation: str = "Static", recreation: str = "Never"
) -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    if name == "Tags":
        target = {"Attribute": "Tags", "RequiresRecreation": recreation}
    found = {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
    return found | ({"CausingEntity": entity} if entity else {})


POLICY = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}


MANAGED_POLICY = {"PolicyDocument": POLICY}
RULE = {"ScheduleExpression": "rate(1 hour)"}
VPC = {"CidrBlock": "10.0.0.0/16"}


@pytest.mark.parametrize(
    ("resource_type", "before", "after", "replacement"),
    [
        (BUCKET, {}, {"VersioningConfiguration": {"Status": "Enabled"}}, "False"),
        (BUCKET, {"BucketName": "first-8f6"}, {"BucketName": "second-8f6"}, "True"),
        ("AWS::Logs::LogGroup", {}, {"RetentionInDays": 7}, "False"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "a"}, {"LogGroupName": "b"}, "True"),
        ("AWS::KMS::Key", {"Description": "a"}, {"Description": "b"}, "False"),
        (
            "AWS::Events::Rule",
            {"ScheduleExpression": "rate(1 hour)"},
            {"ScheduleExpression": "rate(1 day)"},
            "False",
        ),
        ("AWS::EC2::VPC", VPC, {"CidrBlock": "10.1.0.0/16"}, "True"),
        ("AWS::EC2::VPC", VPC, {**VPC, "EnableDnsHostnames": True}, "False"),
        (
            "AWS::IAM::ManagedPolicy",
            {"PolicyDocument": POLICY},
            {"PolicyDocument": POLICY, "Path": "/b/"},
            "True",
        ),
    ],
)
def test_replacement_is_that_of_the_schema(
    deployment: Deployment, resource_type: str, before: Any, after: Any, replacement: str
) -> None:
    deployment.create(resources(R=(resource_type, before)))
    old = deployment.physical_ids()["R"]
    changes = deployment.update(resources(R=(resource_type, after)))
    assert changes["R"]["Replacement"] == replacement
    assert (deployment.physical_ids()["R"] != old) == (replacement == "True")


def test_direct_change_has_one_static_detail(deployment: Deployment) -> None:
    deployment.create(resources(Q=(QUEUE, {"VisibilityTimeout": 30})))
    (change,) = deployment.preview(resources(Q=(QUEUE, {"VisibilityTimeout": 60}))).values()
    assert change["Scope"] == ["Properties"]
    assert change["Details"] == [detail("VisibilityTimeout", "DirectModification")]


def test_changed_parameter_has_two_details(deployment: Deployment) -> None:
    """The second example of AWS's page of example change sets."""
    tags = [{"Key": "Purpose", "Value": {"Ref": "Purpose"}}]
    template = resources(Q=(QUEUE, {"Tags": tags}))
    template["Parameters"] = {"Purpose": {"Type": "String", "Default": "testing"}}
    deployment.create(template)
    (change,) = deployment.preview(template, Purpose="production").values()
    assert change["Scope"] == ["Tags"]
    assert change["Replacement"] == "False"
    assert change["Details"] == [
        detail("Tags", "DirectModification", evaluation="Dynamic"),
        detail("Tags", "ParameterReference", "Purpose"),
    ]


def test_parameter_that_changes_no_value_is_no_change(deployment: Deployment) -> None:
    names = {"Fn::Select": [0, {"Ref": "Names"}]}
    template = resources(Q=(QUEUE, {"QueueName": names}))
    template["Parameters"] = {"Names": {"Type": "CommaDelimitedList", "Default": "one,two"}}
    deployment.create(template)
    assert deployment.preview(template, Names="one,three") == {}


def test_attribute_of_a_modified_resource_is_dynamic(deployment: Deployment) -> None:
    """As recorded on AWS: the function of a role whose policies change is modified, too."""
    role = {"AssumeRolePolicyDocument": TRUST, "Description": "a"}
    parameter = ("AWS::SSM::Parameter", {"Type": "String", "Value": {"Fn::GetAtt": ["Role", "Arn"]}})
    deployment.create(resources(Role=(ROLE, role), P=parameter))
    changes = deployment.preview(resources(Role=(ROLE, role | {"Description": "b"}), P=parameter))
    assert changes["P"]["Replacement"] == "False"
    assert changes["P"]["Details"] == [detail("Value", "ResourceAttribute", "Role.Arn", evaluation="Dynamic")]


def test_name_of_a_modified_resource_is_no_change(deployment: Deployment) -> None:
    """A Ref returns the physical id, which an update in place keeps."""
    parameter = ("AWS::SSM::Parameter", {"Type": "String", "Value": {"Ref": "Q"}})
    deployment.create(resources(Q=(QUEUE, {}), P=parameter))
    assert deployment.preview(resources(Q=(QUEUE, {"DelaySeconds": 1}), P=parameter)).keys() == {"Q"}


def test_reference_to_a_replaced_resource_is_static(deployment: Deployment) -> None:
    """As recorded on AWS, of a bucket policy whose bucket is replaced."""
    document = {
        "Statement": {**POLICY["Statement"], "Principal": "*", "Resource": {"Fn::GetAtt": ["B", "Arn"]}}
    }
    policy = ("AWS::S3::BucketPolicy", {"Bucket": {"Ref": "B"}, "PolicyDocument": document})
    deployment.create(resources(B=(BUCKET, {"BucketName": "before-77"}), Policy=policy))
    changes = deployment.update(resources(B=(BUCKET, {"BucketName": "after-77"}), Policy=policy))
    assert changes["B"]["Replacement"] == changes["Policy"]["Replacement"] == "True"
    assert changes["B"]["PolicyAction"] == "ReplaceAndDelete"
    assert changes["Policy"]["Details"] == [
        detail("Bucket", "ResourceReference", "B", recreation="Always"),
        detail("PolicyDocument", "ResourceAttribute", "B.Arn"),
    ]


def test_reference_to_an_added_resource_is_static(deployment: Deployment) -> None:
    """As recorded on AWS, of a bucket that is encrypted with a new key."""
    parameter = {"Type": "String", "Value": "a"}
    deployment.create(resources(P=("AWS::SSM::Parameter", parameter)))
    new = {"Type": "String", "Value": {"Fn::GetAtt": ["Q", "Arn"]}}
    changes = deployment.update(resources(P=("AWS::SSM::Parameter", new), Q=(QUEUE, {})))
    assert changes["Q"]["Action"] == "Add"
    assert changes["P"]["Details"] == [
        detail("Value", "DirectModification", evaluation="Dynamic"),
        detail("Value", "ResourceAttribute", "Q.Arn"),
    ]


def test_create_only_property_of_a_modified_resource_may_be_replaced(deployment: Deployment) -> None:
    """AWS cannot know the attribute before the update; the update itself compares the values."""
    subscription = (
        "AWS::SNS::Subscription",
        {"Protocol": "sqs", "TopicArn": {"Ref": "T"}, "Endpoint": {"Fn::GetAtt": ["Q", "Arn"]}},
    )
    topic: Any = ("AWS::SNS::Topic", {})
    deployment.create(resources(T=topic, Q=(QUEUE, {}), S=subscription))
    before = deployment.physical_ids()
    changes = deployment.update(resources(T=topic, Q=(QUEUE, {"DelaySeconds": 1}), S=subscription))
    assert changes["S"]["Replacement"] == "Conditional"
    assert changes["S"]["Details"] == [
        detail("Endpoint", "ResourceAttribute", "Q.Arn", evaluation="Dynamic", recreation="Always")
    ]
    assert deployment.physical_ids() == before


def test_attribute_of_another_resource_is_a_change(deployment: Deployment) -> None:
    def template(source: str) -> dict[str, Any]:
        value = {"Type": "String", "Value": {"Fn::GetAtt": [source, "Arn"]}}
        return resources(A=(QUEUE, {}), B=(QUEUE, {}), P=("AWS::SSM::Parameter", value))

    deployment.create(template("A"))
    changes = deployment.preview(template("B"))
    assert changes["P"]["Details"] == [detail("Value", "DirectModification")]


def test_resource_whose_condition_becomes_false_is_removed(deployment: Deployment) -> None:
    conditional = {"Type": QUEUE, "Condition": "IsLarge"}
    template = resources(Q=(QUEUE, {}), Conditional=conditional)
    template["Parameters"] = {"Size": {"Type": "String", "Default": "large"}}
    template["Conditions"] = {"IsLarge": {"Fn::Equals": [{"Ref": "Size"}, "large"]}}
    deployment.create(template)
    changes = deployment.update(template, Size="small")
    assert {name: change["Action"] for name, change in changes.items()} == {"Conditional": "Remove"}
    assert deployment.physical_ids().keys() == {"Q"}


def test_create_only_member_replaces_only_if_it_changes(deployment: Deployment) -> None:
    """Of AWS::Glue::Table only the name in TableInput is create-only."""

    def template(name: str, description: str) -> dict[str, Any]:
        database = ("AWS::Glue::Database", {"CatalogId": "1", "DatabaseInput": {"Name": "d"}})
        table = {"CatalogId": "1", "DatabaseName": {"Ref": "D"}}
        table["TableInput"] = {"Name": name, "Description": description}
        return resources(D=database, T=("AWS::Glue::Table", table))

    deployment.create(template("t", "a"))
    assert deployment.preview(template("t", "b"))["T"]["Replacement"] == "False"
    assert deployment.preview(template("u", "a"))["T"]["Replacement"] == "True"


def test_same_number_as_text_is_no_change(deployment: Deployment) -> None:
    deployment.create(resources(Q=(QUEUE, {"VisibilityTimeout": 30})))
    assert deployment.preview(resources(Q=(QUEUE, {"VisibilityTimeout": "30"}))) == {}


@pytest.mark.parametrize(("nested", "expected"), [(False, {"Child", "Q"}), (True, {"Q"})])
def test_unchanged_nested_stack_is_a_change_unless_it_is_included(
    server: Server, deployment: Deployment, nested: bool, expected: set[str]
) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="t.json", Body=json.dumps(resources(Q=(QUEUE, {}))))
    url = "https://templates.s3.us-east-1.amazonaws.com/t.json"
    child = ("AWS::CloudFormation::Stack", {"TemplateURL": url})
    deployment.create(resources(Child=child, Q=(QUEUE, {})))
    changes = deployment.preview(resources(Child=child, Q=(QUEUE, {"DelaySeconds": 1})), nested=nested)
    assert changes.keys() == expected
    if not nested:
        target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
        automatic = {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
        assert changes["Child"]["Details"] == [automatic]
