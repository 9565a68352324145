"""Properties against the schema of a resource type; `tests/parity` has CloudFormation's messages."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudformation.property_validation import UNKNOWN, legacy_message, property_problems
from stepline.localaws.cloudformation.static_values import static_value
from stepline.localaws.cloudformation.type_schemas import resource_schema, supports_attribute

SCHEMA = {
    "additionalProperties": False,
    "definitions": {"Item": {"type": "object", "properties": {"Size": {"type": "integer"}}}},
    "properties": {
        "Count": {"type": "integer", "minimum": 1, "maximum": 5},
        "Document": {"type": "object"},
        "Enabled": {"type": "boolean"},
        "Items": {
            "type": "array",
            "items": {"$ref": "#/definitions/Item"},
            "maxItems": 2,
            "uniqueItems": True,
        },
        "Labels": {"type": "object", "patternProperties": {"^[a-z]+$": {"type": "string"}}},
        "Mode": {"anyOf": [{"required": ["A"]}, {"required": ["B"]}], "type": "object"},
        "Name": {"type": "string", "maxLength": 3, "pattern": r"^\p{Alpha}+$"},
        "Ratio": {"type": "number"},
        "Size": {"enum": [1, 7], "type": "integer"},
    },
    "required": ["Name"],
}


def messages(**properties: Any) -> list[str]:
    return [problem.message for problem in property_problems(SCHEMA, {"Name": "a", **properties})]


@pytest.mark.parametrize(
    "properties",
    [
        {"Count": "5", "Ratio": "1.5", "Enabled": "false", "Size": "7"},
        {"Count": 2.0, "Enabled": True, "Ratio": 1},
        {"Name": 12},
        {"Document": '{"a": 1}'},
        {"Labels": {"a": "b"}},
        {"Count": UNKNOWN, "Items": [UNKNOWN, UNKNOWN, UNKNOWN], "Mode": UNKNOWN},
        {"Mode": {"B": UNKNOWN}},
        {"Items": [{"Size": UNKNOWN}, {"Size": UNKNOWN}]},
        {"Name": "{{resolve:ssm:name}}"},
    ],
)
def test_converted_and_unknown_values_are_accepted(properties: dict[str, Any]) -> None:
    assert messages(**properties) == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"Count": 0}, "#/Count: 0 is not greater or equal to 1"),
        ({"Count": "many"}, "#/Count: expected type: Integer, found: String"),
        ({"Count": True}, "#/Count: expected type: Integer, found: Boolean"),
        ({"Size": 3}, "#/Size: 3 is not a valid enum value"),
        ({"Name": "long"}, "#/Name: expected maxLength: 3, actual: 4"),
        ({"Items": [{"Size": "x"}]}, "#/Items/0/Size: expected type: Integer, found: String"),
        ({"Items": [{}, {"Size": 1}, {"Size": 2}]}, "#/Items: expected maximum item count: 2, found: 3"),
        ({"Items": [{"Size": 1}, {"Size": 1}]}, "#/Items: array items are not unique"),
        ({"Mode": {"C": 1}}, "#/Mode: #: no subschema matched out of the total 2 subschemas"),
        ({"Labels": ["a"]}, "#/Labels: expected type: JSONObject, found: JSONArray"),
        ({"Names": "a"}, "#: extraneous key [Names] is not permitted"),
    ],
)
def test_invalid_value_is_reported_in_the_words_of_cloudformation(
    properties: dict[str, Any], expected: str
) -> None:
    assert messages(**properties) == [expected]


def test_missing_property_is_reported() -> None:
    (problem,) = property_problems(SCHEMA, {})
    assert problem.message == "#: required key [Name] not found"
    assert (problem.path, problem.reason) == ("", "Required property [Name] not found")


def test_only_names_of_properties_are_checked_outside_the_registry() -> None:
    assert legacy_message(SCHEMA, {"Name": "a", "Count": 0}) is None
    assert legacy_message(SCHEMA, {"Name": "a", "B": 0}) == "Encountered unsupported property B"
    assert legacy_message(SCHEMA, {}) == "Property Name cannot be empty."


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"A": {"Ref": "Queue"}}, {"A": UNKNOWN}),
        ({"A": {"Fn::Sub": "${Queue.Arn}/x"}}, {"A": UNKNOWN}),
        ({"A": {"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, 1]}, "B": 2}, {"B": 2}),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
        ({"A": {"Fn::If": ["Unknown", 1, 2]}}, {"A": UNKNOWN}),
        ({"A": {"Fn::If": ["Yes", [{"Ref": "Queue"}], 1]}}, {"A": [UNKNOWN]}),
        ({"A": {"Fn::ImportValue": "a"}}, {"A": UNKNOWN}),
        ({"A": "{{resolve:secretsmanager:a}}"}, {"A": UNKNOWN}),
        ({"A": {"Ref": "Size"}}, {"A": "resolved"}),
        ({"A": {"Fn::Broken": []}}, {"A": UNKNOWN}),
    ],
)
def test_value_is_unknown_if_it_depends_on_a_resource(node: Any, expected: Any) -> None:
    def resolve(part: dict[str, Any]) -> str:
        if "Fn::Broken" in part:
            raise ValueError
        return "resolved"

    assert static_value(node, {"Queue"}, {"Yes": True, "No": False}, resolve) == expected


@pytest.mark.parametrize(
    ("resource_type", "attribute", "expected"),
    [
        ("AWS::Lambda::Function", "Arn", True),
        ("AWS::Lambda::Function", "FunctionName", False),
        ("AWS::CloudFormation::Stack", "Outputs.Url", True),
        ("AWS::SQS::Queue", "Unknown", True),  # the resource that refers to it fails
        ("Custom::Resource", "Anything", True),
        ("AWS::No::Type", "Anything", True),
    ],
)
def test_attribute_is_supported_as_the_schema_says(
    resource_type: str, attribute: str, expected: bool
) -> None:
    assert supports_attribute(resource_type, attribute, "us-east-1") is expected


def test_schema_of_a_region_is_read() -> None:
    schema = resource_schema("AWS::S3::Bucket", "eu-central-1")
    assert schema is not None
    assert "BucketName" in schema["properties"]
