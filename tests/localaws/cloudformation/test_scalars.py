"""Scalars of templates become those that the resource's schema has."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudformation.scalars import as_text, convert_scalars
from stepline.localaws.cloudformation.type_schemas import resource_schema
from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

ACTION = {"RunOrder": "2", "ActionTypeId": {"Version": 1}}


@pytest.mark.parametrize(
    ("resource_type", "given", "expected"),
    [
        ("AWS::SQS::Queue", {"VisibilityTimeout": "30"}, {"VisibilityTimeout": 30}),
        ("AWS::SQS::Queue", {"FifoQueue": "true"}, {"FifoQueue": True}),
        ("AWS::SQS::Queue", {"QueueName": 42}, {"QueueName": "42"}),
        ("AWS::SQS::Queue", {"VisibilityTimeout": "soon"}, {"VisibilityTimeout": "soon"}),
        ("AWS::SQS::Queue", {"Unknown": 1}, {"Unknown": 1}),
        ("AWS::SQS::Queue", {"Tags": [{"Key": 1, "Value": True}]}, {"Tags": [{"Key": "1", "Value": "true"}]}),
        (
            "AWS::CodePipeline::Pipeline",
            {"Stages": [{"Actions": [ACTION]}]},
            {"Stages": [{"Actions": [{"RunOrder": 2, "ActionTypeId": {"Version": "1"}}]}]},
        ),
        (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {"SIZE": 3, "IS_ON": False}}},
            {"Environment": {"Variables": {"SIZE": "3", "IS_ON": "false"}}},
        ),
        ("AWS::IAM::Policy", {"PolicyDocument": {"Version": 1}}, {"PolicyDocument": {"Version": 1}}),
    ],
)
def test_scalars_are_converted_to_the_types_of_the_schema(
    resource_type: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    schema = resource_schema(resource_type, "us-east-1")
    assert schema is not None
    assert convert_scalars(schema, given) == expected


def test_all_scalars_of_a_custom_resource_become_text() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html"""
    assert as_text({"a": [1, True, None, "x"], "b": {"c": 1.5}}) == {
        "a": ["1", "true", None, "x"],
        "b": {"c": "1.5"},
    }


def test_numbers_and_texts_of_a_template_are_interchangeable(server: Server, deployment: Deployment) -> None:
    stream = ("AWS::Kinesis::Stream", {"Name": 12345, "ShardCount": "1", "RetentionPeriodHours": "48"})
    rule = ("AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)", "State": "DISABLED", "Name": 77})
    deployment.create(resources(S=stream, R=rule))
    stream_found = server.client("kinesis").describe_stream(StreamName="12345")["StreamDescription"]
    assert stream_found["RetentionPeriodHours"] == 48
    assert server.client("events").describe_rule(Name="77")["State"] == "DISABLED"
